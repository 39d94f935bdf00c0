//! `squall admin`: the admin API of a gateway from a terminal.

mod client;
mod state;

use crate::args::{AdminArgs, AdminCommand, RequestsArgs, WeightsArgs};
use crate::error::{CliError, Exit};
use crate::terminal;
use client::AdminClient;
use serde_json::{Value, json};

pub(crate) fn admin(args: &AdminArgs) -> Result<Exit, CliError> {
    let client = AdminClient::new(&args.admin, args.admin_token_file.as_deref())?;
    let done = match &args.command {
        AdminCommand::State => {
            let state = client.get("state")?;
            state::lines(&state).iter().for_each(terminal::data);
            terminal::field("state", || state);
            return Ok(Exit::Met);
        }
        AdminCommand::Requests(args) => return requests(&client, args),
        AdminCommand::Explain(args) => return explain(&client, &args.id),
        AdminCommand::Drain(args) => (
            client.post("drain", &json!({ "deployment": args.deployment }))?,
            format!("`{}` takes no new attempts", args.deployment),
        ),
        AdminCommand::Undrain(args) => (
            client.post("undrain", &json!({ "deployment": args.deployment }))?,
            format!("`{}` is used as configured", args.deployment),
        ),
        AdminCommand::Pin(args) => {
            let body = json!({ "group": args.group, "deployment": args.deployment });
            (
                client.post("pin", &body)?,
                format!("`{}` alone serves `{}`", args.deployment, args.group),
            )
        }
        AdminCommand::Unpin(args) => (
            client.post("unpin", &json!({ "group": args.group }))?,
            format!("`{}` is served as configured", args.group),
        ),
        AdminCommand::Weights(args) => weights(&client, args)?,
        AdminCommand::Pause => (
            client.post("pause", &json!({}))?,
            "requests are refused with 503 until `squall admin resume`".to_owned(),
        ),
        AdminCommand::Resume => {
            (client.post("resume", &json!({}))?, "requests are taken".to_owned())
        }
    };
    let (state, said) = done;
    terminal::data(said);
    terminal::field("state", || state);
    Ok(Exit::Met)
}

fn weights(client: &AdminClient, args: &WeightsArgs) -> Result<(Value, String), CliError> {
    let weights: serde_json::Map<_, _> =
        args.weights.iter().map(|(name, weight)| (name.clone(), json!(weight))).collect();
    let mut body = json!({ "weights": weights });
    if let Some(time) = &args.r#for {
        body["for"] = json!(time);
    }
    let state = client.post("weights", &body)?;
    let said = args.weights.iter().map(|(name, weight)| match weight {
        Some(weight) => format!("`{name}` has weight {weight}"),
        None => format!("`{name}` has its configured weight"),
    });
    let until = args.r#for.as_ref().map(|time| format!(", for {time}")).unwrap_or_default();
    Ok((state, format!("{}{until}", said.collect::<Vec<_>>().join(", "))))
}

fn requests(client: &AdminClient, args: &RequestsArgs) -> Result<Exit, CliError> {
    let mut what = format!("requests?limit={}", args.limit);
    if let Some(outcome) = &args.outcome {
        what.push_str("&outcome=");
        what.push_str(outcome);
    }
    let mut answer = client.get(&what)?;
    let rows = answer["requests"].take();
    if rows.as_array().is_none_or(Vec::is_empty) {
        terminal::status("no such request is kept");
    }
    for row in rows.as_array().into_iter().flatten() {
        terminal::data(request_line(row));
    }
    terminal::field("requests", || rows);
    Ok(Exit::Met)
}

/// `TIME  ID  GROUP  OUTCOME (CLASS)  STATUS  MS  DEPLOYMENTS`.
fn request_line(row: &Value) -> String {
    let word = |name: &str| row[name].as_str().unwrap_or_default();
    let class = row["error_class"].as_str().map(|class| format!(" ({class})")).unwrap_or_default();
    let tried = row["deployments"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let tried = tried.collect::<Vec<_>>().join(" > ");
    format!(
        "{}  {:<32}  {:<12} {:>3}  {:>9.1} ms  {}{class}  {tried}",
        word("time"),
        word("id"),
        word("group"),
        row["status"],
        row["duration_ms"].as_f64().unwrap_or_default(),
        word("outcome"),
    )
}

fn explain(client: &AdminClient, id: &str) -> Result<Exit, CliError> {
    let mut answer = client.get(&format!("requests/{}", in_path(id)))?;
    let text = answer["text"].take();
    terminal::data(text.as_str().unwrap_or_default());
    terminal::field("explanation", || answer);
    Ok(Exit::Met)
}

/// A text as a part of a path.
fn in_path(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_in_a_path_as_one_part() {
        assert_eq!(in_path("req-1_a.b~"), "req-1_a.b~");
        assert_eq!(in_path("a/b?c#d%e f\u{e9}"), "a%2Fb%3Fc%23d%25e%20f%C3%A9");
    }
}

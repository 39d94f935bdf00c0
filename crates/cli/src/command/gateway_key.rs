//! `squall gateway key new`: a virtual key, shown once, with its entry for the keys file.

use crate::args::{KeyArgs, KeyCommand, NewKeyArgs};
use crate::error::{CliError, Exit};
use crate::{keys_file, terminal};
use serde_json::json;
use squall_gateway::{KeyDocument, KeyHash, VirtualKey, new_key};

pub(crate) fn key(args: &KeyArgs) -> Result<Exit, CliError> {
    match &args.command {
        KeyCommand::New(args) => new(args),
    }
}

fn new(args: &NewKeyArgs) -> Result<Exit, CliError> {
    let key = new_key()
        .map_err(|source| CliError::Io { what: "no random numbers".to_owned(), source })?;
    let hash = KeyHash::of(&key).to_string();
    let document: KeyDocument = serde_json::from_value(json!({ "id": args.id, "hash": hash }))
        .map_err(|error| CliError::NewKey(error.to_string()))?;
    let entry = VirtualKey::new(document.clone()).map_err(CliError::NewKey)?;
    if let Some(path) = &args.keys {
        let mut keys = if path.exists() { keys_file::read(path)? } else { Vec::new() };
        if keys.iter().any(|each| each.id() == entry.id()) {
            return Err(CliError::NewKey(format!(
                "`{}` has a key with the id `{}` already",
                path.display(),
                entry.id()
            )));
        }
        keys.push(entry);
        keys_file::write(path, &keys).map_err(|source| CliError::Io {
            what: format!("cannot write `{}`", path.display()),
            source,
        })?;
    }
    let document = json!(document);
    terminal::data(format_args!("key:   {key}"));
    terminal::data(format_args!("entry: {document}"));
    terminal::status("the key is shown once: the entry has its hash alone");
    terminal::field("key", || key.into());
    terminal::field("entry", || document);
    Ok(Exit::Met)
}

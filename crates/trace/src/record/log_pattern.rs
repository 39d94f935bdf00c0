//! What a line of an access log looks like, in the notation of nginx (`$name`) or of Envoy (`%NAME%`): texts that stand
//! in every line, and variables between them. A variable ends where the text behind it first stands.

/// A log format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LogPattern {
    /// What every line begins with.
    head: String,
    /// The variables, each with the text behind it.
    variables: Vec<(String, String)>,
}

impl LogPattern {
    /// The format that is written so; else what is wrong with it.
    pub(crate) fn new(notation: &str) -> Result<Self, String> {
        let (mut head, mut variables) = (String::new(), Vec::<(String, String)>::new());
        let mut rest = notation.trim_end_matches('\n');
        while let Some(first) = rest.chars().next() {
            let variable = match first {
                '$' => nginx_variable(rest),
                '%' => envoy_variable(rest)?,
                _ => None,
            };
            if let Some((name, length)) = variable {
                if variables.last().is_some_and(|(_, text)| text.is_empty()) {
                    return Err(format!(
                        "nothing stands between `{name}` and the variable before it"
                    ));
                }
                variables.push((name.to_owned(), String::new()));
                rest = &rest[length..];
                continue;
            }
            variables.last_mut().map_or(&mut head, |(_, text)| text).push(first);
            rest = &rest[first.len_utf8()..];
        }
        match variables.is_empty() {
            true => Err("no variable in it: expected `$name` or `%NAME%`".to_owned()),
            false => Ok(Self { head, variables }),
        }
    }

    /// The names of the variables, in the order of a line.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }

    /// Where the values of the variables are in a line; `None` of one that looks otherwise.
    pub(crate) fn fields(&self, line: &str) -> Option<Vec<(usize, usize)>> {
        let mut at = line.starts_with(&self.head).then_some(self.head.len())?;
        let mut fields = Vec::with_capacity(self.variables.len());
        let last = self.variables.len() - 1;
        for (place, (_, text)) in self.variables.iter().enumerate() {
            let end = match text.as_str() {
                "" => line.len(),
                // The last text is at the end of the line.
                text if place == last => line.len().checked_sub(text.len()).filter(|&end| {
                    end >= at && line.is_char_boundary(end) && line[end..] == *text
                })?,
                text => at + line.get(at..)?.find(text)?,
            };
            fields.push((at, end));
            at = end + text.len();
        }
        Some(fields)
    }
}

/// `$name` or `${name}` at the start of a text, and how long it is.
fn nginx_variable(text: &str) -> Option<(&str, usize)> {
    let rest = &text[1..];
    if let Some(braced) = rest.strip_prefix('{') {
        let end = braced.find('}')?;
        return Some((&braced[..end], end + 3));
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let end = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
    (end > 0).then(|| (&rest[..end], end + 1))
}

/// `%NAME%` or `%NAME(ARGUMENT)%` at the start of a text, and how long it is.
fn envoy_variable(text: &str) -> Result<Option<(&str, usize)>, String> {
    let rest = &text[1..];
    let end = rest.find('%').ok_or_else(|| format!("`{text}`: a `%` is not closed"))?;
    // A sign of its own.
    if end == 0 {
        return Ok(None);
    }
    Ok(Some((&rest[..end], end + 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'l>(notation: &str, line: &'l str) -> Option<Vec<&'l str>> {
        let pattern = LogPattern::new(notation).expect("it is a format");
        let fields = pattern.fields(line)?;
        Some(fields.into_iter().map(|(from, to)| &line[from..to]).collect())
    }

    #[test]
    fn variables_end_where_the_text_behind_them_stands() {
        let line = "1.2.3.4 [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200";
        assert_eq!(
            values("$remote_addr [$time_local] \"$request\" $status", line),
            Some(vec!["1.2.3.4", "10/Oct/2000:13:55:36 -0700", "GET / HTTP/1.1", "200"])
        );
        assert_eq!(
            values("$a [$b]", "x [y] z]"),
            Some(vec!["x", "y] z"]),
            "the last text ends the line"
        );
        assert_eq!(values("%A(X?:Y)%,%B%", "1,2"), Some(vec!["1", "2"]));
        assert_eq!(values("${a}b$c", "1b2"), Some(vec!["1", "2"]));
    }

    #[test]
    fn another_line_has_no_fields() {
        for line in ["", "x", "x [y", "x [y]!"] {
            assert_eq!(values("$a [$b]", line), None, "{line}");
        }
    }

    #[test]
    fn a_format_that_cannot_be_read_is_refused() {
        for (notation, why) in
            [("plain", "no variable"), ("$a$b", "between `b`"), ("%A", "not closed")]
        {
            let refused = LogPattern::new(notation).expect_err(notation);
            assert!(refused.contains(why), "{refused}");
        }
    }
}

//! Tables of the documentation that a test writes and keeps up to date.

use std::fs;

/// Prints `table`, and asserts that it stands in the page between the comments `<!-- name -->` and
/// `<!-- end of name -->`. Where `UPDATE_REFERENCE` is set, it is written there.
///
/// # Panics
/// When another table stands there, or none.
#[expect(clippy::print_stdout, reason = "to be read with --nocapture")]
#[expect(clippy::disallowed_methods, reason = "the one switch that every written page has")]
pub fn holds(page: &str, name: &str, table: &str) {
    println!("{table}");
    let path = crate::root().join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    let (from, to) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let place = text.find(&from).map(|place| place + from.len());
    let (Some(start), Some(end)) = (place, text.find(&to)) else {
        panic!("{page} has no place for {name}");
    };
    if text[start..end].trim() == table.trim() {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_REFERENCE").is_some(),
        "{page} has another table of {name}; UPDATE_REFERENCE=1 writes this one"
    );
    let text = format!("{}\n{}\n\n{}", &text[..start], table.trim(), &text[end..]);
    fs::write(&path, text).unwrap_or_else(|error| panic!("{page}: {error}"));
}

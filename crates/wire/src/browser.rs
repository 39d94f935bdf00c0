//! What browsers say of the pages they show, in `Host` and `Origin`.

use std::net::IpAddr;

/// The host of a `Host` header or of a URL's authority, without its port and without the brackets of an
/// address.
#[must_use]
pub fn host_of(authority: &str) -> &str {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    // An address of six without brackets has no port.
    let name = if name.contains(':') && !name.starts_with('[') { authority } else { name };
    name.trim_start_matches('[').trim_end_matches(']')
}

/// The authority of an `Origin` header, if it has one: `null`, and the pages of extensions, have none that
/// can be asked.
#[must_use]
pub fn authority_of(origin: &str) -> Option<&str> {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))?;
    (!authority.is_empty()).then_some(authority)
}

/// Whether a `Host` header names this machine: `localhost`, or an address of the loopback. Any other name
/// may resolve to this machine without being its own, since DNS can be rebound.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let name = host_of(host);
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names() {
        for own in [
            "localhost",
            "LOCALHOST:9190",
            "localhost:9190",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:9190",
            "[::1]",
            "::1",
        ] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in [
            "",
            "evil.example",
            "evil.example:9190",
            "10.0.0.1",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:80@evil.example",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }

    #[test]
    fn an_origin_has_an_authority_or_is_nobodys() {
        assert_eq!(authority_of("http://localhost:3000"), Some("localhost:3000"));
        assert_eq!(authority_of("https://evil.example"), Some("evil.example"));
        for nobody in ["null", "", "http://", "file://", "chrome-extension://abc"] {
            assert_eq!(authority_of(nobody), None, "{nobody}");
        }
    }
}

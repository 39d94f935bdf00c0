//! Which machine a target is on.

use crate::TargetError;
use http::Uri;
use http::uri::{Authority, Scheme};
use std::net::IpAddr;

/// The machine that a URL leads to.
#[derive(Debug)]
pub(crate) struct TargetHost {
    /// A name, or an address without brackets.
    pub(crate) name: String,
    pub(crate) authority: Authority,
    /// It is called by TLS.
    pub(crate) is_secure: bool,
}

impl TargetHost {
    /// That of a URL.
    ///
    /// # Errors
    /// When the text is no URL of HTTP.
    pub(crate) fn of(url: &str) -> Result<Self, TargetError> {
        let no_url = || TargetError::Url { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| no_url())?;
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let is_http = is_secure || uri.scheme() == Some(&Scheme::HTTP);
        let authority = uri.authority().filter(|_| is_http).ok_or_else(no_url)?.clone();
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { name, authority, is_secure })
    }

    /// Whether it is this one. A name other than `localhost` may lead anywhere.
    pub(crate) fn is_this_machine(&self) -> bool {
        let address = self.name.parse::<IpAddr>();
        self.name == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

//! Who may ask: whoever bears the token, or, without one, programs of this machine. An address that has sent too many
//! wrong tokens has to wait, whatever it sends meanwhile.

use super::OperatorApiState;
use super::api::OperatorRefusal;
use crate::serving::PeerAddress;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use sha2::{Digest as _, Sha256};
use squall_determinism::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// Wrong tokens that an address may send within [`WINDOW`].
const WRONG_MAX: u32 = 10;

/// How long wrong tokens are held against an address.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are remembered; of more, the one whose window began first is forgotten.
const ADDRESSES_MAX: usize = 1_024;

/// The token of an admin API, as its SHA-256: what is compared has the same length whatever was sent.
#[derive(Clone)]
pub struct OperatorToken([u8; 32]);

impl OperatorToken {
    /// The shortest that is taken: 16 characters of hexadecimal digits are 64 bits.
    pub const LENGTH_MIN: usize = 16;

    /// A token from its text, without the white space around it.
    ///
    /// # Errors
    /// Why it can be none, as a sentence goes on after it; never with what it says.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has other characters than ASCII's visible ones".to_owned());
        }
        if text.len() < Self::LENGTH_MIN {
            let (given, least) = (text.len(), Self::LENGTH_MIN);
            return Err(format!("has {given} characters: at least {least} are needed"));
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// Whether this is the token, in a time that does not tell where it differs.
    fn is(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0.ct_eq(&given).into()
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken(…)")
    }
}

/// Lets a request through that may ask.
pub(super) async fn check(
    State(admin): State<Arc<OperatorApiState>>,
    request: Request,
    next: Next,
) -> Response {
    match may_ask(&admin, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn may_ask(admin: &OperatorApiState, request: &Request) -> Result<(), OperatorRefusal> {
    let token = admin.token.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(token) = token else { return Ok(()) };
    let now = admin.gateway.app().handle.clock().now();
    let peer = request.extensions().get::<PeerAddress>().map(|peer| network(peer.0));
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if let Some(wait) = admin.wrong.wait(peer, now) {
        let message = "too many wrong tokens from this address: wait before the next one";
        let refusal = OperatorRefusal::new(StatusCode::TOO_MANY_REQUESTS, message);
        return Err(refusal.with(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1)));
    }
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(crate::api_keys::bearer);
    if given.is_some_and(|given| token.is(given)) {
        return Ok(());
    }
    // Who sends none has guessed none.
    if given.is_some() {
        admin.wrong.count(peer, now);
        tracing::warn!(target: "squall_gateway::admin", %peer, "wrong token");
    }
    let message = "the token is missing or wrong: send `Authorization: Bearer TOKEN`";
    let refusal = OperatorRefusal::new(StatusCode::UNAUTHORIZED, message);
    Err(refusal.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
}

/// The addresses that one machine can have at will: all of an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }
}

/// Wrong tokens by the addresses that they came from.
#[derive(Debug, Default)]
pub(super) struct WrongTokens(Mutex<BTreeMap<IpAddr, WrongFrom>>);

#[derive(Clone, Copy, Debug)]
struct WrongFrom {
    since: Timestamp,
    count: u32,
}

impl WrongTokens {
    /// How long an address has to wait until its next token is looked at; none, if it has not.
    fn wait(&self, from: IpAddr, now: Timestamp) -> Option<Duration> {
        let wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = wrong.get(&from).filter(|held| held.count >= WRONG_MAX)?;
        let wait = WINDOW.saturating_sub(now.since(held.since));
        (!wait.is_zero()).then_some(wait)
    }

    fn count(&self, from: IpAddr, now: Timestamp) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= ADDRESSES_MAX && !wrong.contains_key(&from) {
            let oldest = wrong.iter().min_by_key(|(_, held)| held.since).map(|(from, _)| *from);
            oldest.map(|oldest| wrong.remove(&oldest));
        }
        let held = wrong.entry(from).or_insert(WrongFrom { since: now, count: 0 });
        if now.since(held.since) >= WINDOW {
            *held = WrongFrom { since: now, count: 0 };
        }
        held.count = held.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn a_token_is_itself_alone_and_does_not_show() {
        let token = OperatorToken::new(" 0123456789abcdef\n").expect("it is long enough");
        assert!(token.is("0123456789abcdef"));
        for other in ["0123456789abcdeF", "0123456789abcdef0", "0123456789abcde", ""] {
            assert!(!token.is(other), "{other}");
        }
        assert_eq!(format!("{token:?}"), "OperatorToken(…)");
    }

    #[test]
    fn tokens_that_are_short_or_cannot_be_sent_are_refused_without_being_told() {
        for text in ["", "secret", "0123456789abcde", "0123456789 abcdef", "0123456789abcdeß"] {
            let why = OperatorToken::new(text).expect_err("it is none");
            assert!(text.is_empty() || !why.contains(text), "{why}");
        }
    }

    #[test]
    fn an_address_waits_after_ten_wrong_tokens_and_others_do_not() {
        let (one, other) = (Ipv4Addr::new(10, 0, 0, 1).into(), Ipv4Addr::new(10, 0, 0, 2).into());
        let wrong = WrongTokens::default();
        for second in 0..u64::from(WRONG_MAX) {
            assert_eq!(wrong.wait(one, at(second)), None);
            wrong.count(one, at(second));
        }
        assert_eq!(wrong.wait(one, at(20)), Some(Duration::from_secs(40)));
        assert_eq!(wrong.wait(other, at(20)), None);
        assert_eq!(wrong.wait(one, at(60)), None, "its time is over");
        wrong.count(one, at(60));
        assert_eq!(wrong.wait(one, at(60)), None, "it begins anew");
    }

    #[test]
    fn addresses_are_bounded_and_those_of_one_network_are_one() {
        let wrong = WrongTokens::default();
        for number in 0..2 * ADDRESSES_MAX as u32 {
            wrong.count(Ipv4Addr::from(number).into(), at(number.into()));
        }
        assert_eq!(wrong.0.lock().expect("nobody panicked").len(), ADDRESSES_MAX);
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:5::6"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}

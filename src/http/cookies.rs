//! The login cookie: which of a request's tokens is valid, and which cookies a browser is told to keep.

use cookie::{Cookie, SameSite};
use hyper::{
    Request,
    header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

use super::{
    authorization::{bearer, is_login},
    origin,
    response::HttpResponse,
};
use crate::account::{Account, AccountError, Accounts, LIFETIME_SECS};

/// The cookie's name over plain HTTP. Other programs on the same host use it as well.
const PLAIN: &str = "token";

/// The cookie's name over TLS: because of its prefix, browsers let only this host set it.
const SECURE: &str = "__Host-parlor";

/// Longer than any token of this server.
const LONGEST: usize = 1024;

/// How many tokens signed here one request may look up. Tokens of other programs do not count.
const LOOKED_UP: usize = 8;

/// The login tokens of a request.
pub(super) struct Login {
    /// Candidates, the likeliest first.
    tokens: Vec<String>,
    /// Sent in a header, not in a cookie that the browser sends on its own.
    pub(super) deliberate: bool,
}

impl Login {
    /// Every token in the request. One in `Authorization` excludes all others.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        if let Some(token) = bearer(request).filter(|value| is_login(value)) {
            return Self { tokens: vec![token.to_owned()], deliberate: true };
        }
        let mut tokens: Vec<String> = Vec::new();
        for name in [SECURE, PLAIN] {
            for token in values(request.headers(), name)
                .filter(|token| token.len() <= LONGEST && is_login(token))
            {
                if !tokens.iter().any(|known| known == token) {
                    tokens.push(token.to_owned());
                }
            }
        }
        Self { tokens, deliberate: false }
    }

    /// Whether the request has no token.
    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens that were signed here, expired or not.
    pub(super) fn signed_here<'a>(
        &'a self,
        accounts: &'a Accounts,
    ) -> impl Iterator<Item = &'a str> {
        self.tokens
            .iter()
            .map(String::as_str)
            .filter(|token| accounts.has_signed(token))
            .take(LOOKED_UP)
    }

    /// The first valid token, and its account.
    ///
    /// # Errors
    /// [`AccountError::NotLoggedIn`], and the errors of the database.
    pub(super) async fn first_good<'a>(
        &'a self,
        accounts: &'a Accounts,
    ) -> Result<(Account, &'a str), AccountError> {
        for token in self.signed_here(accounts) {
            match accounts.who(token).await {
                Ok(account) => return Ok((account, token)),
                Err(AccountError::NotLoggedIn) => {}
                Err(other) => return Err(other),
            }
        }
        Err(AccountError::NotLoggedIn)
    }
}

/// Which cookies a browser is told to keep or to delete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jar {
    secure: bool,
    /// The request has a cookie of the secure name.
    has_secure: bool,
    /// The request's cookie of the plain name belongs to another program.
    foreign: bool,
}

impl Jar {
    pub(super) fn of<B>(request: &Request<B>, accounts: &Accounts) -> Self {
        let mut plain = values(request.headers(), PLAIN).peekable();
        Self {
            secure: origin::is_secure(request),
            has_secure: values(request.headers(), SECURE).next().is_some(),
            foreign: plain.peek().is_some() && !plain.any(|token| accounts.has_signed(token)),
        }
    }

    /// Sets the cookie, and deletes one of the other name.
    pub(super) fn keep(self, answer: &mut HttpResponse, token: &str) {
        set(answer, self.secure, token, LIFETIME_SECS);
        if if self.secure { !self.foreign } else { self.has_secure } {
            set(answer, !self.secure, "", 0);
        }
    }

    /// Deletes both.
    pub(super) fn clear(self, answer: &mut HttpResponse) {
        set(answer, self.secure, "", 0);
        if !self.secure || !self.foreign {
            set(answer, !self.secure, "", 0);
        }
    }
}

fn set(answer: &mut HttpResponse, secure: bool, token: &str, seconds: u64) {
    let name = if secure { SECURE } else { PLAIN };
    let cookie = Cookie::build((name, token))
        .http_only(true)
        .same_site(SameSite::Lax)
        .path("/")
        .secure(secure);
    // The cookie crate's own ages are of another crate's type.
    if let Ok(value) = HeaderValue::from_str(&format!("{cookie}; Max-Age={seconds}")) {
        answer.headers_mut().append(SET_COOKIE, value);
    }
}

/// The values of all cookies of this name, in order. Split as bytes: another program's cookie may not be text.
fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let cookies =
        headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    cookies.filter_map(move |cookie| {
        let at = cookie.iter().position(|byte| *byte == b'=')?;
        let (given, value) = (cookie[..at].trim_ascii(), cookie[at + 1..].trim_ascii());
        (given == name.as_bytes()).then(|| std::str::from_utf8(value).ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(headers: &[(&str, &[u8])]) -> Vec<String> {
        let request = headers
            .iter()
            .fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
        Login::of(&request.body(()).unwrap()).tokens
    }

    #[test]
    fn every_token_is_found_among_the_cookies_of_others() {
        for (cookies, found) in [
            (&["token=d.e.f"][..], &["d.e.f"][..]),
            (&["mytoken=x; token=d.e.f; token=g.h.i"], &["d.e.f", "g.h.i"]),
            (&["token=other; token=d.e.f"], &["d.e.f"]),
            (&["token=a.b.c;token=d.e.f;token=a.b.c"], &["a.b.c", "d.e.f"]),
            (&["token=d.e.f; __Host-parlor=g.h.i"], &["g.h.i", "d.e.f"]),
            (&["token=a.b.c", "token=d.e.f"], &["a.b.c", "d.e.f"]),
            (&["name=Zoë; token=d.e.f"], &["d.e.f"]),
            (&["; ;=; x; =y; token = d.e.f ;"], &["d.e.f"]),
            (&["Token=d.e.f; tokens=1; token; token=; __host-parlor=d.e.f"], &[]),
        ] {
            let headers: Vec<(&str, &[u8])> =
                cookies.iter().map(|cookie| ("cookie", cookie.as_bytes())).collect();
            assert_eq!(tokens(&headers), found, "{cookies:?}");
        }
        assert_eq!(tokens(&[("cookie", b"latin=caf\xe9; token=d.e.f")]), ["d.e.f"]);
        assert_eq!(tokens(&[("cookie", b"token=\xff.\xff.\xff; token=d.e.f")]), ["d.e.f"]);
        let long = format!("token={0}.{0}.{0}; token=d.e.f", "x".repeat(LONGEST));
        assert_eq!(tokens(&[("cookie", long.as_bytes())]), ["d.e.f"]);
        assert_eq!(
            tokens(&[("cookie", b"token=d.e.f"), ("authorization", b"Bearer a.b.c")]),
            ["a.b.c"]
        );
        assert_eq!(
            tokens(&[("cookie", b"token=d.e.f"), ("authorization", b"Bearer a.b")]),
            ["d.e.f"],
            "a ticket is no login"
        );
    }
}

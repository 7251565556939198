//! Accounts over HTTP: JSON in and out, the token in a cookie and in the body.

use std::net::IpAddr;

use bytes::Bytes;
use cookie::{Cookie, SameSite};
use http_body_util::{BodyExt, Limited};
use hyper::{
    Method, Request, StatusCode,
    body::Body,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, SET_COOKIE},
};
use serde::{Deserialize, de::DeserializeOwned};
use tower::BoxError;

use super::{
    Edge,
    answer::{self, Answer},
    door, header,
};
use crate::{
    account::{Account, AccountError, Accounts, LIFETIME_SECS},
    protocol::{Stamp, Trouble},
};

/// What the cookie is called.
pub(super) const COOKIE: &str = "token";

/// The largest body of a request about accounts, in bytes.
const BODY_LIMIT: usize = 4 * 1024;

/// What an address does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Desk {
    Register,
    Login,
    Logout,
    Me,
    Password,
}

impl Desk {
    /// The methods it takes.
    pub(super) fn allowed(self) -> &'static str {
        match self {
            Self::Me => "GET, HEAD, DELETE",
            // The page has its views there.
            Self::Register | Self::Login => "GET, HEAD, POST",
            Self::Logout | Self::Password => "POST",
        }
    }
}

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

#[derive(Deserialize)]
struct Proof {
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewPassword {
    password: String,
    new_password: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Logout {
    everywhere: bool,
}

impl Edge {
    /// What a page wants to know before it asks anybody for a name. Never a refusal: to be nobody is no mistake.
    pub(super) async fn visitor<B>(&self, request: &Request<B>) -> Result<Answer, Trouble> {
        let Some(accounts) = &self.accounts else { return Ok(answer::json(&serde_json::json!({ "accounts": "off" }))) };
        let mut shape = serde_json::json!({ "accounts": if self.require_login { "required" } else { "optional" } });
        if let Some(token) = door::token(request) {
            match accounts.who(token).await {
                Ok(account) => shape["user"] = account.name.as_str().into(),
                Err(AccountError::NotLoggedIn) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(answer::json(&shape))
    }

    /// Answers at one of the desks.
    pub(super) async fn desk<B>(&self, desk: Desk, mut request: Request<B>) -> Result<Answer, Trouble>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let accounts = self.accounts.as_ref().ok_or(Trouble::AccountsOff)?;
        if desk == Desk::Me && request.method() != Method::DELETE {
            let Account { name, created_at } = accounts.who(door::token(&request).ok_or(Trouble::NotLoggedIn)?).await?;
            return Ok(answer::json(&serde_json::json!({ "user": name.as_str(), "createdAt": Stamp(created_at) })));
        }
        door::check_origin(&request, &self.origins)?;
        let from = door::address(&request, self.proxies);
        let secure = is_secure(&request);
        match desk {
            Desk::Register => {
                let Login { user, password } = read(&mut request).await?;
                accounts.register(from, &user, &password).await?;
                let mut answer = answer::json(&serde_json::json!({ "status": "registered" }));
                *answer.status_mut() = StatusCode::CREATED;
                Ok(answer)
            }
            Desk::Login => {
                let Login { user, password } = read(&mut request).await?;
                Ok(logged_in(&accounts.login(from, &user, &password).await?, secure))
            }
            Desk::Logout => {
                let Logout { everywhere } = read_or_default(&mut request).await?;
                if let Some(token) = door::token(&request) {
                    accounts.logout(token, everywhere).await?;
                }
                Ok(logged_out(secure))
            }
            Desk::Password => {
                let NewPassword { password, new_password } = read(&mut request).await?;
                let token = door::token(&request).ok_or(Trouble::NotLoggedIn)?;
                Ok(logged_in(&accounts.change_password(from, token, &password, &new_password).await?, secure))
            }
            Desk::Me => delete(accounts, from, &mut request, secure).await,
        }
    }
}

async fn delete<B>(accounts: &Accounts, from: IpAddr, request: &mut Request<B>, secure: bool) -> Result<Answer, Trouble>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let Proof { password } = read(request).await?;
    accounts.delete(from, door::token(request).ok_or(Trouble::NotLoggedIn)?, &password).await?;
    Ok(logged_out(secure))
}

fn logged_in(token: &str, secure: bool) -> Answer {
    let mut answer = answer::json(&serde_json::json!({ "token": token }));
    set_cookie(&mut answer, token, LIFETIME_SECS, secure);
    answer
}

fn logged_out(secure: bool) -> Answer {
    let mut answer = answer::nothing();
    set_cookie(&mut answer, "", 0, secure);
    answer
}

fn set_cookie(answer: &mut Answer, token: &str, seconds: u64, secure: bool) {
    let cookie = Cookie::build((COOKIE, token)).http_only(true).same_site(SameSite::Lax).path("/").secure(secure);
    // The crate's own ages are of another crate's type.
    if let Ok(value) = HeaderValue::from_str(&format!("{cookie}; Max-Age={seconds}")) {
        answer.headers_mut().insert(SET_COOKIE, value);
    }
}

/// Whether the browser came by TLS, as the proxy or the browser itself says. Whoever lies makes their own cookie
/// stricter, nobody else's, so anybody is believed.
fn is_secure<B>(request: &Request<B>) -> bool {
    let forwarded = header(request, HeaderName::from_static("x-forwarded-proto")).and_then(|schemes| schemes.split(',').next());
    forwarded.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
        || header(request, ORIGIN).is_some_and(|origin| origin.starts_with("https://"))
}

/// A body that must say that it is JSON: forms of other sites cannot.
async fn read<T: DeserializeOwned, B>(request: &mut Request<B>) -> Result<T, Trouble>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let kind = header(request, CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        super::body(request.body_mut()).await?;
        return Err(Trouble::NotJson);
    }
    let body =
        Limited::new(request.body_mut(), BODY_LIMIT).collect().await.map_err(|_| Trouble::BodyTooBig(BODY_LIMIT))?.to_bytes();
    // What was sent is a secret: it is not told back. serde would take a list for the fields in their order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let read = is_object.then(|| serde_json::from_slice(&body).ok()).flatten();
    read.ok_or_else(|| Trouble::BadFrame("the body is not the JSON that this address takes".into()))
}

/// As [`read`], where nothing at all will do, too.
async fn read_or_default<T: DeserializeOwned + Default, B>(request: &mut Request<B>) -> Result<T, Trouble>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    if request.body().is_end_stream() { Ok(T::default()) } else { read(request).await }
}

//! Accounts over HTTP: JSON in and out, the token in a cookie and in the body.

use bytes::Bytes;
use hyper::{Method, Request, StatusCode, body::Body, header::CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};
use tower::BoxError;

use super::{
    AppState, body,
    cookies::{Jar, Login as Tokens},
    guards, header,
    response::{self, HttpResponse},
    route::AccountRoute,
};
use crate::{
    account::{Account, AccountError},
    protocol::{ApiError, Timestamp},
};

/// The largest body of a request about accounts, in bytes.
const BODY_LIMIT: usize = 4 * 1024;

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

impl AppState {
    /// What a page needs to know before it asks for a name. A guest is no error.
    pub(super) async fn visitor<B>(&self, request: &Request<B>) -> Result<HttpResponse, ApiError> {
        let Some(accounts) = &self.accounts else {
            return Ok(response::json(&serde_json::json!({ "accounts": "off" })));
        };
        let mut shape = serde_json::json!({ "accounts": if self.require_login { "required" } else { "optional" } });
        match Tokens::of(request).first_good(accounts).await {
            Ok((account, _)) => shape["user"] = account.name.as_str().into(),
            Err(AccountError::NotLoggedIn) => {}
            Err(other) => return Err(other.into()),
        }
        Ok(response::json(&shape))
    }

    /// Answers a request at one of these routes.
    pub(super) async fn account<B>(
        &self,
        route: AccountRoute,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let accounts = self.accounts.as_ref().ok_or(ApiError::AccountsOff)?;
        if route == AccountRoute::Me && request.method() != Method::DELETE {
            let (Account { name, created_at }, _) =
                Tokens::of(&request).first_good(accounts).await?;
            return Ok(response::json(
                &serde_json::json!({ "user": name.as_str(), "createdAt": Timestamp(created_at) }),
            ));
        }
        guards::check_origin(&request, &self.origins)?;
        let from = guards::address(&request, self.proxies);
        let (tokens, jar) = (Tokens::of(&request), Jar::of(&request, accounts));
        match route {
            AccountRoute::Register => {
                let Login { user, password } = read(&mut request).await?;
                accounts.register(from, &user, &password).await?;
                let mut answer = response::json(&serde_json::json!({ "status": "registered" }));
                *answer.status_mut() = StatusCode::CREATED;
                Ok(answer)
            }
            AccountRoute::Login => {
                let Login { user, password } = read(&mut request).await?;
                Ok(logged_in(&accounts.login(from, &user, &password).await?, jar))
            }
            AccountRoute::Logout => {
                let Logout { everywhere } = read_or_default(&mut request).await?;
                for token in tokens.signed_here(accounts) {
                    accounts.logout(token, everywhere).await?;
                }
                Ok(logged_out(jar))
            }
            AccountRoute::Password => {
                let NewPassword { password, new_password } = read(&mut request).await?;
                let (_, token) = tokens.first_good(accounts).await?;
                Ok(logged_in(
                    &accounts.change_password(from, token, &password, &new_password).await?,
                    jar,
                ))
            }
            AccountRoute::Me => {
                let Proof { password } = read(&mut request).await?;
                let (_, token) = tokens.first_good(accounts).await?;
                accounts.delete(from, token, &password).await?;
                Ok(logged_out(jar))
            }
        }
    }
}

fn logged_in(token: &str, jar: Jar) -> HttpResponse {
    let mut answer = response::json(&serde_json::json!({ "token": token }));
    jar.keep(&mut answer, token);
    answer
}

fn logged_out(jar: Jar) -> HttpResponse {
    let mut answer = response::nothing();
    jar.clear(&mut answer);
    answer
}

/// Parses a body that is declared as JSON, which forms of other sites cannot do.
async fn read<T: DeserializeOwned, B>(request: &mut Request<B>) -> Result<T, ApiError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let kind = header(request, CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        body::whole(request.body_mut(), super::BODY_LIMIT).await?;
        return Err(ApiError::NotJson);
    }
    let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
    // The body holds secrets: errors do not quote it.
    let read = std::str::from_utf8(&body).ok().and_then(|text| body::object(text).ok());
    read.ok_or_else(|| {
        ApiError::BadFrame("the body is not the JSON that this address takes".into())
    })
}

/// As [`read`], but an empty body is allowed, too.
async fn read_or_default<T: DeserializeOwned + Default, B>(
    request: &mut Request<B>,
) -> Result<T, ApiError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    if request.body().is_end_stream() { Ok(T::default()) } else { read(request).await }
}

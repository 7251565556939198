//! The `Authorization` header: a ticket or a login token.

use hyper::{Request, header::AUTHORIZATION};

use super::header;

/// The ticket in `Authorization: Bearer …`.
pub(super) fn ticket<B>(request: &Request<B>) -> Option<&str> {
    bearer(request).filter(|value| !is_login(value))
}

/// The value of `Authorization: Bearer …`: a ticket or a login token.
pub(super) fn bearer<B>(request: &Request<B>) -> Option<&str> {
    let (scheme, value) = header(request, AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(value.trim())
}

/// Tickets and login tokens use the same header: a ticket has two parts, a login token three.
pub(super) fn is_login(value: &str) -> bool {
    value.split('.').count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_and_login_tokens_are_told_apart() {
        let ask = |authorization: &str| {
            let request =
                Request::get("/").header("authorization", authorization).body(()).unwrap();
            (ticket(&request).map(str::to_owned), bearer(&request).is_some_and(is_login))
        };
        assert_eq!(ask("Bearer a.b"), (Some("a.b".to_owned()), false));
        assert_eq!(ask("bearer a.b.c"), (None, true));
        assert_eq!(ask("Basic a.b.c"), (None, false));
    }
}

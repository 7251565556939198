//! The parameters after an address, and those of a join wherever they come from.

use std::borrow::Cow;

use hyper::Request;
use serde::Deserialize;

use crate::{
    protocol::ApiError,
    room::{Cursor, Name},
};

/// The parameters of the query.
pub(super) fn parameters<B>(request: &Request<B>) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
}

/// The name, the cursor and the invite of a join, from a query or a body. Empty fields count as missing.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "one JSON object")]
pub(super) struct JoinQuery<'a> {
    name: Option<Cow<'a, str>>,
    cursor: Option<Cow<'a, str>>,
    invite: Option<Cow<'a, str>>,
}

impl<'a> JoinQuery<'a> {
    /// Reads the query, where the cursor has this name.
    pub(super) fn of<B>(request: &'a Request<B>, cursor: &str) -> Self {
        let mut wish = Self::default();
        for (key, value) in parameters(request) {
            wish.take(&key, value, cursor);
        }
        wish
    }

    /// Takes a parameter, if it is one of these.
    pub(super) fn take(&mut self, key: &str, value: Cow<'a, str>, cursor: &str) {
        match key {
            "name" => self.name = Some(value),
            "invite" => self.invite = Some(value),
            key if key == cursor => self.cursor = Some(value),
            _ => {}
        }
    }

    /// The invite that the client shows, if any.
    pub(super) fn invite(&self) -> Option<String> {
        self.invite.as_deref().filter(|invite| !invite.is_empty()).map(str::to_owned)
    }

    /// Checks name and cursor, in this order.
    pub(super) fn parse(self) -> Result<(Option<Name>, Option<Cursor>), ApiError> {
        let name = self.name.filter(|name| !name.trim().is_empty());
        let cursor = self.cursor.filter(|cursor| !cursor.is_empty());
        Ok((
            name.map(|name| name.parse()).transpose()?,
            cursor.map(|cursor| cursor.parse()).transpose()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts_and_an_empty_field_is_none() {
        let ask = |query: &str, cursor: &str| {
            let request = Request::get(format!("/?{query}")).body(()).unwrap();
            let (name, cursor) =
                JoinQuery::of(&request, cursor).parse().map_err(|error| error.code())?;
            Ok((name.map(|name| name.as_str().to_owned()), cursor.map(|cursor| cursor.seq)))
        };
        let ann = || Some("Ann".to_owned());
        assert_eq!(ask("name=Ann&cursor=1-5&after=2-6", "cursor"), Ok((ann(), Some(5))));
        assert_eq!(ask("name=Ann&cursor=1-5&after=2-6", "after"), Ok((ann(), Some(6))));
        assert_eq!(ask("name=Bo&name=Ann", "after"), Ok((ann(), None)));
        assert_eq!(ask("name=Ann&name=%20&cursor=1-5&cursor=", "cursor"), Ok((None, None)));
        assert_eq!(ask("name=%07&cursor=zz", "cursor"), Err("bad_name"));
        assert_eq!(ask("cursor=zz", "cursor"), Err("bad_cursor"));
    }
}

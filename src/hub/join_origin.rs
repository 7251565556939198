//! What a join request resumes from.

use tokio::time::Instant;

use crate::room::{Cursor, InviteId, Name};

/// What a member resumes from.
#[derive(Clone, Copy, Debug)]
pub struct ResumeFrom {
    /// The last position the client has read, if any.
    pub cursor: Option<Cursor>,
    /// What the client has read up to the cursor is still valid.
    pub exact: bool,
    /// When the request came: a session that a newer connection has taken over stays there.
    pub began: Instant,
}

/// What a join resumes from.
#[derive(Clone, Copy)]
pub(super) struct JoinOrigin {
    pub(super) cursor: Option<Cursor>,
    /// The member had a session here before.
    pub(super) resumed: bool,
    /// What the client has read up to the cursor is still valid.
    pub(super) exact: bool,
    /// May create a new member; a resume may not.
    pub(super) joins: bool,
    /// When the request came. Of two connections of a member, the later one has the session.
    pub(super) began: Instant,
    /// The invite that the client has shown; its signature is good.
    pub(super) invite: Option<InviteId>,
}

/// Whether a ticket issued to `ticket_holder` is valid for a client that joins as `name`. A ticket proves a session,
/// but no login. So it is void after a login, a logout or a change of account.
pub(super) fn same_account(ticket_holder: &Name, name: Option<&Name>) -> bool {
    let account = |name: &Name| name.is_verified().then(|| name.as_str().to_owned());
    account(ticket_holder) == name.and_then(account)
}

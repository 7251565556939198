//! The requests of a host as clients write them, each a type of its own. [`HostRequest::parse`](super::HostRequest)
//! reads them; from here come their schemas and TypeScript.

use crate::room::{HistoryRule, Lock, MemberId};

/// Each request may have a number, which the answer returns.
macro_rules! host_messages {
    ($($(#[doc = $meaning:literal])+ $kind:ident { $($field:tt)* })+) => {
        /// What only the host of a room may ask for.
        #[derive(schemars::JsonSchema, ts_rs::TS)]
        #[ts(optional_fields)]
        #[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
        #[expect(dead_code, reason = "its derives are what is used")]
        pub(super) enum HostMessage {$(
            $(#[doc = $meaning])+
            $kind {
                /// Returned in the answer. No counter of a message: it need not grow.
                #[schemars(with = "Option<super::schema::Counter>")]
                n: Option<u64>,
                $($field)*
            },
        )+}
    };
}

host_messages! {
    /// Remove a member, which cannot come back.
    Kick {
        /// The member.
        client_id: MemberId,
        /// Its address may not join again either; true if left out.
        address: Option<bool>,
        /// Its messages are deleted, too; false if left out.
        messages: Option<bool>,
    }
    /// Say whether new members may join.
    Lock {
        /// All, none, or those that the host admits.
        lock: Lock,
    }
    /// Admit a person who waits.
    Admit {
        /// The id under which the person waits.
        client_id: MemberId,
    }
    /// Refuse a person who waits. The address may not knock again for a minute.
    Refuse {
        /// The id under which the person waits.
        client_id: MemberId,
    }
    /// Make another member the host.
    Host {
        /// The member.
        client_id: MemberId,
    }
    /// End the room for all, and delete everything in it. Every member gets a `receipt`, and no `ack` comes.
    Burn {}
    /// Say when the room ends, and how long its messages are kept: one of the two, or both.
    Lifetime {
        /// When the room ends; null takes the rule away.
        ends_at: Option<super::schema::EndsAt>,
        /// Whole seconds for which a message is kept; null takes the rule away.
        message_age: Option<super::schema::MessageAge>,
    }
    /// Say how much of the log new members get.
    History {
        /// All that is kept, or what was sent since they joined.
        history: HistoryRule,
    }
    /// Give the room a title.
    Topic {
        /// Up to 512 bytes; in a room with a key, sealed. Empty, it takes the title away.
        #[schemars(length(max = 512))]
        title: String,
    }
    /// Let a member send no messages, or let it send them again.
    Mute {
        /// The member.
        client_id: MemberId,
        /// It may send none.
        muted: bool,
    }
    /// Mute what a member publishes in the call now: `audio`, `video`, or both.
    Hush {
        /// The member.
        client_id: MemberId,
        /// The microphone.
        audio: Option<bool>,
        /// The camera and the screen.
        video: Option<bool>,
    }
    /// Say whether new members need an invite.
    InviteOnly {
        /// They need one.
        invite_only: bool,
    }
    /// Take an invite back.
    Revoke {
        /// Its id: what stands before the first dot of the invite.
        invite: String,
    }
}

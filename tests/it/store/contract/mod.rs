//! One contract, every store: the same tests against memory and against Redis, alone, in a Cluster and under Sentinels.

mod amendments;
mod call;
mod doors;
mod ends;
mod files;
mod hosts;
mod joins;
mod leaves;
mod log;
mod messages;
mod names;
mod nodes;
mod rules;
mod seats;
mod world;

use std::sync::Arc;

use crate::support::{cluster::Cluster, sentinel::Watched};
use amendments::*;
use call::*;
use doors::*;
use ends::*;
use files::*;
use hosts::*;
use joins::*;
use leaves::*;
use log::*;
use messages::*;
use names::*;
use nodes::*;
use seats::*;
use world::*;

macro_rules! contract {
    ($($name:ident)*) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name::<super::InMemory>().await })*
        }
        mod in_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name::<super::InRedis>().await })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn the_whole_contract_holds_in_a_cluster() {
            let cluster = Arc::new(Cluster::start());
            *CLUSTER.lock() = Arc::downgrade(&cluster);
            $(println!("{}", stringify!($name)); $name::<InCluster>().await;)*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn the_whole_contract_holds_under_sentinels() {
            let watched = Arc::new(Watched::start());
            *WATCHED.lock() = Arc::downgrade(&watched);
            $(println!("{}", stringify!($name)); $name::<UnderSentinels>().await;)*
        }
    };
}

contract! {
    room_is_born_by_its_first_join
    everybody_is_told_of_a_join
    messages_of_two_nodes_arrive_everywhere_in_one_order
    repeated_n_gets_the_first_answer_and_says_nothing_twice
    messages_are_changed_in_place_and_everybody_is_told
    only_what_may_be_changed_is_changed
    what_was_replaced_or_deleted_is_nowhere
    reader_gets_the_amendments_that_it_missed
    a_storm_of_reactions_pushes_no_message_out
    reactions_of_a_message_are_bounded_in_bytes
    texts_of_missed_edits_are_bounded
    counter_of_an_amendment_is_known_without_its_message
    repeated_amendment_gets_the_first_answer
    a_message_is_edited_for_a_time
    a_file_comes_in_pieces_and_goes_to_all_with_its_message
    a_piece_is_taken_once_and_in_its_place
    a_file_is_its_uploaders_until_a_message_has_it
    files_take_no_more_space_than_a_room_has
    a_file_goes_with_its_message
    an_upload_without_news_is_dropped
    uploads_of_a_member_go_with_it
    older_n_whose_entry_is_gone_is_stale
    counters_are_exact_up_to_the_last_number
    sends_without_a_counter_get_the_next_one_wherever_they_are_said
    strangers_may_neither_speak_nor_type
    reader_gets_exactly_what_it_missed
    who_comes_back_is_shown_what_they_missed_and_no_more
    of_a_room_of_many_those_are_shown_who_came_first_and_who_is_in_the_call
    one_member_is_found_among_many
    log_is_kept_to_its_length
    log_is_kept_to_its_bytes
    typing_is_told_and_not_kept
    new_name_is_told_to_all_and_kept
    name_of_an_account_stays
    member_keeps_its_new_name_wherever_it_comes_back
    page_that_unloads_is_told_to_the_node_that_holds_its_seat
    the_call_is_told_and_kept_whatever_order_news_of_it_come_in
    of_two_links_of_a_node_the_newer_one_has_the_seat
    takeover_is_told_to_nobody_and_voids_the_old_link
    seat_that_moves_is_told_to_the_node_that_held_it_and_to_nobody_else
    of_two_nodes_links_the_one_that_began_later_has_the_seat
    takeover_knows_the_last_n
    leave_is_told_with_its_reason
    leave_may_be_repeated
    room_is_forgotten_when_the_last_member_leaves
    reborn_room_is_another_life
    key_is_the_same_for_a_whole_life
    full_room_refuses_and_stays_as_it_was
    seated_member_may_take_over_in_a_full_room
    counter_is_known_after_leaving_and_coming_back
    any_text_name_and_room_survives
    forty_joins_under_fire_miss_nothing
    leave_against_join_is_whole_or_gone
    a_thousand_messages_at_once_are_dense_and_the_same_everywhere
    closing_node_takes_its_members_along
    silent_node_loses_its_members_exactly_once
    lonely_room_of_a_dead_node_is_gone
    old_entries_are_nowhere_to_be_found
    node_is_told_nothing_after_its_last_member_left
    rooms_do_not_hear_each_other
    the_first_member_is_the_host
    no_member_hosts_where_there_are_no_hosts
    the_right_of_a_host_that_leaves_passes_to_the_oldest_member
    the_right_of_a_host_whose_node_falls_silent_passes_on
    only_the_host_decides
    a_kicked_member_leaves_at_once_and_stays_out
    a_kick_takes_the_account_and_the_address_with_it
    a_kicked_member_leaves_no_node_behind
    a_muted_member_reads_on
    the_host_deletes_any_message
    a_locked_room_lets_members_resume_and_nobody_in
    a_newcomer_knocks_and_waits_for_the_host
    as_many_knock_as_may
    an_invite_is_used_as_often_as_it_may
    an_invite_opens_a_room_for_invited_people
    what_was_sent_before_a_join_is_known
    messages_are_kept_as_long_as_the_host_says
    a_room_ends_for_all_at_once
    a_room_ends_when_its_time_is_over
    a_newcomer_after_the_end_begins_a_new_room
    a_newcomer_of_the_same_node_stays_when_the_end_is_told_late
    a_lifetime_has_bounds
    the_last_leave_says_what_was_removed
}

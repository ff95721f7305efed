//! What every implementation of [`Records`](crate::Records) must do. Each check wants a store of
//! its own with nothing in it, and panics where the store does not conform.
//!
//! An implementation runs them all with [`conformance_tests!`](crate::conformance_tests).
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, in a place others can call")]

mod audit;
mod calls;
mod customers;
pub(crate) mod fixtures;
mod galleries;
mod proxies;
mod requests;
mod tallies;

pub use audit::*;
pub use calls::*;
pub use customers::*;
pub use galleries::*;
pub use proxies::*;
pub use requests::*;
pub use tallies::*;

/// Makes a test of each conformance check. `$fresh` is a function that returns something to keep
/// until the check is over (a temporary folder, say) and a `Box<dyn Records>`.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:path) => {
        $crate::conformance_tests! { $fresh:
            every_change_is_in_the_audit_trail,
            calls_are_read_back_as_they_were_kept,
            a_living_call_can_be_amended,
            call_updates_come_in_order_and_end_with_the_call,
            a_lost_call_is_concluded_and_audited,
            calls_are_listed_by_time_under_every_filter,
            outcomes_are_kept_and_the_last_one_counts,
            a_calls_voiceprint_is_kept_only_if_given_and_not_refused,
            what_no_call_can_hold_is_refused,
            customers_are_read_back_as_they_were_enrolled,
            enrollment_modes_create_add_and_replace,
            a_refused_enrollment_leaves_nothing,
            an_opt_out_deletes_and_is_remembered,
            a_deleted_customer_leaves_nothing,
            tenants_are_apart,
            customers_are_listed_in_pages_that_inserts_do_not_shift,
            galleries_get_every_voiceprint_once,
            proxies_are_read_back_as_they_were_listed,
            a_proxy_needs_a_legal_basis_and_a_future,
            a_removed_proxy_leaves_nothing,
            proxies_are_listed_in_pages,
            a_request_sent_again_is_done_once,
            a_request_id_is_for_one_request,
            a_failed_request_may_be_sent_again,
            requests_are_forgotten_when_old,
            a_proxys_history_counts_the_calls_it_was_tagged_in,
            calls_are_counted_by_time_verdict_and_outcome,
        }
    };
    ($fresh:path: $($check:ident,)*) => {
        $(
            #[test]
            fn $check() {
                let (_keep, records) = $fresh();
                $crate::conformance::$check(&*records);
            }
        )*
    };
}

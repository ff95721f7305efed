//! Finding, listing, deleting customers, and their right to refuse.

use std::collections::BTreeSet;

use earmark_server::proto::v1::{
    CustomerState, CustomerStatus, DeleteCustomerRequest, ListCustomersRequest, OptInRequest, OptOutRequest,
    Verdict,
};
use tonic::Code;

use crate::harness::calls::{info, state, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::refused::{field_of, refused};
use crate::harness::voices;
use crate::harness::world::client;

async fn enrolled(clients: &mut Clients) -> String {
    let id = unique("customer");
    clients.enroll(&id, vec![voices::clip("ivrvoice/01")]).await.unwrap();
    id
}

#[tokio::test]
async fn nobody_is_found_deleted_or_opted_in_who_was_never_seen() {
    let mut clients = client().await;
    let customer_id = unique("nobody");
    refused(clients.customer(&customer_id).await, Code::NotFound, "NOT_FOUND");
    let delete = DeleteCustomerRequest { customer_id: customer_id.clone() };
    refused(clients.customers.delete_customer(delete).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn pages_hold_every_customer_once_in_the_order_of_their_ids() {
    let mut clients = client().await;
    let mut own = BTreeSet::new();
    for _ in 0..5 {
        let id = unique("paged");
        clients.customers.opt_out(OptOutRequest { customer_id: id.clone() }).await.unwrap();
        own.insert(id);
    }
    let mut seen: Vec<String> = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListCustomersRequest { page_size: 2, page_token };
        let page = clients.customers.list_customers(request).await.unwrap().into_inner();
        assert!(page.customers.len() <= 2);
        seen.extend(page.customers.into_iter().map(|c| c.customer_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    assert!(own.is_subset(&seen.into_iter().collect()));
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_list_only() {
    let mut clients = client().await;
    for _ in 0..2 {
        clients.customers.opt_out(OptOutRequest { customer_id: unique("paged") }).await.unwrap();
    }
    let first = ListCustomersRequest { page_size: 1, ..Default::default() };
    let token = clients.customers.list_customers(first).await.unwrap().into_inner().next_page_token;
    assert!(!token.is_empty());
    let foreign = earmark_server::proto::v1::ListProxiesRequest { page_size: 1, page_token: token.clone() };
    let status =
        refused(clients.library.list_proxies(foreign).await, Code::InvalidArgument, "BAD_PAGE_TOKEN");
    assert_eq!(field_of(&status), "page_token");
    for page_token in ["made up".to_owned(), token[1..].to_owned(), "A".repeat(10_000)] {
        let request = ListCustomersRequest { page_size: 1, page_token };
        refused(clients.customers.list_customers(request).await, Code::InvalidArgument, "BAD_PAGE_TOKEN");
    }
    let negative = ListCustomersRequest { page_size: -1, ..Default::default() };
    refused(clients.customers.list_customers(negative).await, Code::InvalidArgument, "BAD_PAGE_SIZE");
}

#[tokio::test]
async fn a_deleted_customer_is_gone_and_calls_find_no_history() {
    let mut clients = client().await;
    let id = enrolled(&mut clients).await;
    let delete = DeleteCustomerRequest { customer_id: id.clone() };
    clients.customers.delete_customer(delete.clone()).await.unwrap();
    refused(clients.customer(&id).await, Code::NotFound, "NOT_FOUND");
    refused(clients.customers.delete_customer(delete).await, Code::NotFound, "NOT_FOUND");
    let updates = clients.screen(info(&unique("call"), &id), &voices::samples("ivrvoice/05")).await.unwrap();
    assert_eq!(state(updates.last().unwrap()), CustomerState::NotEnrolled);
    let again = clients.enroll(&id, vec![voices::clip("ivrvoice/02")]).await.unwrap();
    assert_eq!(again.customer.unwrap().enrollments.len(), 1, "nothing of before came back");
}

#[tokio::test]
async fn an_opt_out_deletes_the_history_and_holds_until_the_opt_in() {
    let mut clients = client().await;
    let id = enrolled(&mut clients).await;
    let out = OptOutRequest { customer_id: id.clone() };
    for _ in 0..2 {
        let customer = clients.customers.opt_out(out.clone()).await.unwrap().into_inner().customer.unwrap();
        assert_eq!((customer.status(), customer.enrollments.len()), (CustomerStatus::OptedOut, 0));
    }
    let clips = vec![voices::clip("ivrvoice/02")];
    refused(clients.enroll(&id, clips.clone()).await, Code::FailedPrecondition, "CUSTOMER_OPTED_OUT");
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 0);
    clients.customers.opt_in(OptInRequest { customer_id: id.clone() }).await.unwrap();
    clients.enroll(&id, clips).await.unwrap();
    let customer = clients.customer(&id).await.unwrap();
    assert_eq!((customer.status(), customer.enrollments.len()), (CustomerStatus::Enrolled, 1));
    let updates = clients.screen(info(&unique("call"), &id), &voices::call("ivrvoice")).await.unwrap();
    assert_eq!(verdict(updates.last().unwrap()), Verdict::Match, "{updates:?}");
}

#[tokio::test]
async fn ids_that_no_screen_can_show_are_refused_by_field() {
    let mut clients = client().await;
    for id in ["", " padded ", "line\nbreak", &"x".repeat(129)] {
        let status = refused(clients.customer(id).await, Code::InvalidArgument, "BAD_CUSTOMER_ID");
        assert_eq!(field_of(&status), "customer_id");
        refused(clients.enroll(id, vec![]).await, Code::InvalidArgument, "BAD_CUSTOMER_ID");
    }
}

#[tokio::test]
async fn another_institutions_tenant_is_not_served() {
    let mut clients = client().await;
    let id = enrolled(&mut clients).await;
    let mut request = tonic::Request::new(earmark_server::proto::v1::GetCustomerRequest { customer_id: id });
    request.metadata_mut().insert("earmark-tenant", "another-bank".parse().unwrap());
    refused(clients.customers.get_customer(request).await, Code::NotFound, "NOT_FOUND");
}

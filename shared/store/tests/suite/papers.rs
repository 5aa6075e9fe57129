//! Laws of the papers of orders: together with their order or not at all; what a channel was not told is found.

use std::collections::BTreeSet;

use domain::order_document::DocumentKind;
use domain::{DocumentId, OrderId, Quantity};
use store::StoreError;
use store::order::Order;
use store::order_document::{
    Detail, DocumentLine, OrderDocument, ReturnDetail, ShipmentDetail, ShipmentPush, ShipmentPushState,
};

use super::bench::Bench;
use super::samples::{at, connection, first, order, organization};
use super::{Outcome, laws};

laws!(
    papers_read_back_in_their_order,
    a_paper_and_its_order_are_one,
    an_untold_shipment_is_found_until_it_is_told,
);

fn paper(order: &OrderId, kind: DocumentKind, number: u32, detail: Detail) -> OrderDocument {
    OrderDocument {
        id: DocumentId { kind, order_id: order.clone(), number },
        lines: vec![DocumentLine {
            line_id: "1".to_owned(),
            item_id: Some("itm_1".parse().unwrap()),
            quantity: Quantity::new(2).unwrap(),
        }],
        detail,
        created_by: "key_1".to_owned(),
        created_at: at(1),
        request: Some("r".to_owned()),
        version: 1,
    }
}

fn shipment(order: &OrderId, state: ShipmentPushState) -> OrderDocument {
    let push = ShipmentPush { state, code: None, reason: None, since: at(2), external_id: None };
    let package = DocumentId { kind: DocumentKind::Package, order_id: order.clone(), number: 1 };
    let detail = ShipmentDetail {
        package_ids: vec![package],
        carrier: "DHL".to_owned(),
        tracking_number: None,
        shipped_at: at(2),
        delivered_at: None,
        completes: true,
        push: Some(push),
    };
    paper(order, DocumentKind::Shipment, 1, Detail::Shipment(detail))
}

async fn papers_read_back_in_their_order(bench: &Bench) -> Outcome {
    let (store, o, none) = (&bench.store, organization("papers"), BTreeSet::new());
    let (placed, _) = order(&connection(1), "1001", 1, 0);
    let id = &placed.id;
    let package = |number| paper(id, DocumentKind::Package, number, Detail::Package);
    let back = Detail::Return(ReturnDetail { restock: true, reason: None });
    let papers = [
        paper(id, DocumentKind::Invoice, 1, Detail::Invoice),
        package(2),
        package(10),
        paper(id, DocumentKind::Return, 1, back),
    ];
    store.save_order_with(&o, &placed, &[], &none, &none, &papers).await?;
    assert_eq!(store.order_documents(&o, id).await?, papers);
    assert_eq!(store.order_document(&o, &papers[2].id).await?, Some(papers[2].clone()));
    assert_eq!(store.order_document(&organization("other"), &papers[2].id).await?, None);
    let (other, _) = order(&connection(1), "100", 1, 0);
    assert_eq!(store.order_documents(&o, &other.id).await?, []);
    Ok(())
}

async fn a_paper_and_its_order_are_one(bench: &Bench) -> Outcome {
    let (store, o, none) = (&bench.store, organization("paperone"), BTreeSet::new());
    let (placed, _) = order(&connection(1), "1001", 1, 0);
    store.save_order(&o, &placed, &[], &none, &none).await?;
    let invoice = [paper(&placed.id, DocumentKind::Invoice, 1, Detail::Invoice)];
    let stale = store.save_order_with(&o, &placed, &[], &none, &none, &invoice).await;
    assert!(matches!(stale, Err(StoreError::Conflict("order"))), "{stale:?}");
    assert_eq!(store.order_documents(&o, &placed.id).await?, []);
    let after = Order { version: 2, ..placed.clone() };
    store.save_order_with(&o, &after, &[], &none, &none, &invoice).await?;
    let again = Order { version: 3, ..placed };
    let twice = store.save_order_with(&o, &again, &[], &none, &none, &invoice).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    assert_eq!(store.order(&o, &after.id).await?, Some(after));
    Ok(())
}

async fn an_untold_shipment_is_found_until_it_is_told(bench: &Bench) -> Outcome {
    let (store, o, none) = (&bench.store, organization("untold"), BTreeSet::new());
    let (placed, _) = order(&connection(1), "1001", 1, 0);
    let pending = shipment(&placed.id, ShipmentPushState::Pending);
    store.save_order_with(&o, &placed, &[], &none, &none, std::slice::from_ref(&pending)).await?;
    let untold = async || anyhow::Ok(store.untold_shipments(&o, &connection(1), &first(5)).await?.data);
    assert_eq!(untold().await?, std::slice::from_ref(&pending.id));
    assert_eq!(store.untold_shipments(&o, &connection(2), &first(5)).await?.data, []);
    let told = OrderDocument { version: 2, ..shipment(&placed.id, ShipmentPushState::InSync) };
    store.update_order_document(&o, &connection(1), &told).await?;
    assert_eq!(untold().await?, []);
    let stale = OrderDocument { version: 2, ..pending.clone() };
    let stale = store.update_order_document(&o, &connection(1), &stale).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))), "{stale:?}");
    let again = OrderDocument { version: 3, ..pending.clone() };
    store.update_order_document(&o, &connection(1), &again).await?;
    assert_eq!(untold().await?, std::slice::from_ref(&pending.id));
    store.forget_untold_shipment(&o, &connection(1), &pending.id).await?;
    assert_eq!(untold().await?, []);
    Ok(())
}

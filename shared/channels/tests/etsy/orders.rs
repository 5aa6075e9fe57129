//! Receipts as orders.

use channels::etsy::Etsy;
use channels::{Channel, OrderQuery};
use domain::order::{ChannelOrderState, PaymentStatus};
use marketplace_sim::SimulatedShop;

use crate::bench::{Bench, mug, shirt, target};

#[tokio::test]
async fn a_line_names_its_variation_whatever_was_pushed_since() {
    let bench = Bench::new().await;
    let sizes = bench.sim.add(shirt(&[("14 UK women's", 3), ("M, slim | \"long\"", 4)]));
    let orders: Vec<String> = sizes.iter().map(|size| bench.sim.sell(&[(size.clone(), 1)])).collect();
    let listed: Vec<_> = bench.listings().await.into_iter().map(|one| one.reference).collect();
    bench
        .push(vec![target(
            &marketplace_sim::Sold {
                external_id: listed[0].external_id.clone(),
                variation_id: listed[0].variation_id.clone(),
            },
            9,
            None,
        )])
        .await;
    let since: Vec<_> = bench.listings().await.into_iter().map(|one| one.reference).collect();
    assert_eq!(listed, since);
    for (order, reference) in orders.iter().zip(&listed) {
        assert_eq!(bench.order(order).await.lines[0].listing.as_ref(), Some(reference));
    }
}

#[tokio::test]
async fn payment_and_shipping_are_two_axes() {
    let bench = Bench::new().await;
    let mugs = bench.sim.add(mug(30));
    let id = bench.sim.sell(&[(mugs[0].clone(), 3)]);
    bench.sim.refund(&id, 0, 1);
    let order = bench.order(&id).await;
    assert_eq!((order.state, order.payment), (ChannelOrderState::Confirmed, PaymentStatus::PartRefunded));
    bench.sim.fulfil(&id);
    bench.sim.refund(&id, 0, 2);
    let order = bench.order(&id).await;
    assert_eq!((order.state, order.payment), (ChannelOrderState::Fulfilled, PaymentStatus::Refunded));
    assert_eq!(order.lines[0].shipped.get(), 3);
    bench.sim.set_status(&id, "Teleported");
    let order = bench.order(&id).await;
    assert_eq!(
        (order.state, order.unknown_state.as_deref()),
        (ChannelOrderState::Fulfilled, Some("Teleported"))
    );
}

#[tokio::test]
async fn what_is_gone_is_named() {
    let bench = Bench::new().await;
    for id in ["77", "not-a-number", "../users/me"] {
        let query = OrderQuery::Ids(vec![id.to_owned()]);
        let page = Etsy.fetch_orders(&bench.shop(), &query, None).await.unwrap();
        let failure = page.records[0].as_ref().unwrap_err();
        assert_eq!((failure.external_id.as_str(), failure.code.as_str()), (id, "order_gone"));
    }
}

/// What stands before Etsy may answer 404 too: no order is taken for gone by its word.
#[tokio::test]
async fn only_etsy_itself_says_that_an_order_is_gone() {
    let bench = Bench::new().await;
    let mugs = bench.sim.add(mug(30));
    let query = OrderQuery::Ids(vec![bench.sim.sell(&[(mugs[0].clone(), 1)])]);
    for body in ["", "<html>", "not found", "{}"] {
        let transport = NotFound(body);
        let shop = channels::Shop { transport: &transport, ..bench.shop() };
        let error = Etsy.fetch_orders(&shop, &query, None).await.unwrap_err();
        assert!(error.retry != channels::Retry::Never, "{body:?}: {error:?}");
    }
}

struct NotFound(&'static str);

#[async_trait::async_trait]
impl channels::Transport for NotFound {
    async fn send(
        &self,
        _: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<bytes::Bytes>, channels::transport::TransportError> {
        Ok(http::Response::builder().status(404).body(bytes::Bytes::from_static(self.0.as_bytes())).unwrap())
    }
}

#[tokio::test]
async fn the_buyer_is_in_the_buyer_alone() {
    let bench = Bench::new().await;
    let mugs = bench.sim.add(mug(30));
    let id = bench.sim.sell(&[(mugs[0].clone(), 1)]);
    let order = bench.order(&id).await;
    assert_eq!(order.buyer.name.as_deref(), Some("Robin Buyer"));
    assert!(!format!("{order:?}").contains("Robin"));
}

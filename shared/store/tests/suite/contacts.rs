use domain::ContactId;
use domain::order::Buyer;
use store::contact::Contact;

use super::bench::Bench;
use super::fixture::{at, org};
use super::samples::first;
use super::{Outcome, laws};

laws!(
    one_key_an_organization_whoever_brings_it,
    a_contact_is_made_once,
    the_first_of_a_name_has_it,
    what_a_person_wrote_is_sealed,
    contacts_are_listed_in_pages,
);

fn contact(body: &str) -> Contact {
    let id = ContactId::from_body(body).unwrap();
    Contact { id, display_name: "Shop - Customer".to_owned(), manual: false, created_at: at(0) }
}

async fn one_key_an_organization_whoever_brings_it(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let key = store.contact_key(&org("a"), &[1; 32]).await?;
    assert_eq!(store.contact_key(&org("a"), &[2; 32]).await?, key);
    assert_eq!(key.as_slice(), [1; 32]);
    assert_eq!(store.contact_key(&org("b"), &[3; 32]).await?.as_slice(), [3; 32]);
    Ok(())
}

async fn a_contact_is_made_once(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let one = contact("1");
    store.create_contact(&a, &one, None, None).await?;
    let again = Contact { display_name: "Other - Customer".to_owned(), ..one.clone() };
    store.create_contact(&a, &again, None, None).await?;
    assert_eq!(store.contact(&a, &one.id).await?, Some(one.clone()));
    assert_eq!(store.contact(&org("b"), &one.id).await?, None);
    assert_eq!(bench.rows(&bench.tables.main).await?.len(), 0, "contacts are in the table of personal data");
    Ok(())
}

async fn the_first_of_a_name_has_it(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    store.create_contact(&a, &contact("1"), Some("hash"), None).await?;
    store.create_contact(&a, &contact("2"), Some("hash"), None).await?;
    assert_eq!(store.contact_of_name(&a, "hash").await?, Some(contact("1").id));
    assert_eq!(store.contact_of_name(&a, "other").await?, None);
    assert_eq!(store.contact_of_name(&org("b"), "hash").await?, None);
    Ok(())
}

async fn what_a_person_wrote_is_sealed(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let details = Buyer { name: Some("Ada Clear".to_owned()), ..Buyer::default() };
    store.create_contact(&a, &contact("1"), None, Some(&details)).await?;
    store.create_contact(&a, &contact("2"), None, None).await?;
    assert_eq!(store.contact_details(&a, &contact("1").id).await?, Some(details));
    assert_eq!(store.contact_details(&a, &contact("2").id).await?, None);
    bench.assert_nowhere(&["Ada Clear"]).await
}

async fn contacts_are_listed_in_pages(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    for body in ["3", "1", "2"] {
        store.create_contact(&a, &contact(body), None, None).await?;
    }
    let page = store.contacts(&a, &first(2)).await?;
    assert_eq!(page.data, [contact("1"), contact("2")]);
    let rest = store::PageRequest { limit: 2, cursor: page.next_cursor };
    let rest = store.contacts(&a, &rest).await?;
    assert_eq!((rest.data, rest.next_cursor), (vec![contact("3")], None));
    assert_eq!(store.contacts(&org("b"), &first(2)).await?.data, []);
    Ok(())
}

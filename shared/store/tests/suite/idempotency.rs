use store::idempotency::{Begun, KeptAnswer};

use super::bench::Bench;
use super::fixture::{DAY, at, org};
use super::{Outcome, laws};

laws!(
    first_running_answered_and_other_content,
    a_dead_attempt_is_taken_over,
    forgotten_after_a_day,
    an_abandoned_key_is_free_again,
    of_many_at_once_one_is_the_first,
    any_text_is_a_key_of_its_own,
    the_first_answer_stays,
    a_large_answer_is_kept_as_far_as_it_fits,
);

fn answer(status: u16, body: &[u8]) -> KeptAnswer {
    let headers = vec![("etag".to_owned(), "\"1\"".to_owned()), ("location".to_owned(), String::new())];
    KeptAnswer { status, headers, body: body.to_vec() }
}

async fn first_running_answered_and_other_content(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let begin = async |digest, now| store.begin_idempotent(&a, "key", digest, at(now)).await;
    assert_eq!(begin("one", 0).await?, Begun::First { first_at: at(0) });
    assert_eq!(begin("one", 1).await?, Begun::Running);
    assert_eq!(begin("two", 1).await?, Begun::OtherContent);
    store.finish_idempotent(&a, "key", &answer(201, b"{}")).await?;
    for now in [2, 60, DAY - 1] {
        assert_eq!(begin("one", now).await?, Begun::Answered(answer(201, b"{}")));
        assert_eq!(begin("two", now).await?, Begun::OtherContent);
    }
    Ok(())
}

async fn a_dead_attempt_is_taken_over(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let begin = async |digest, now| store.begin_idempotent(&a, "key", digest, at(now)).await;
    assert_eq!(begin("one", 0).await?, Begun::First { first_at: at(0) });
    assert_eq!(begin("one", 59).await?, Begun::Running);
    assert_eq!(begin("two", 60).await?, Begun::OtherContent);
    assert_eq!(
        begin("one", 60).await?,
        Begun::First { first_at: at(0) },
        "what the dead attempt began, goes on"
    );
    assert_eq!(begin("one", 119).await?, Begun::Running, "counted from the second attempt");
    store.finish_idempotent(&a, "key", &answer(200, b"x")).await?;
    assert_eq!(begin("one", 500).await?, Begun::Answered(answer(200, b"x")));
    Ok(())
}

/// Also with other content, and also where the table has not deleted the row yet.
async fn forgotten_after_a_day(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let begin = async |digest, now| store.begin_idempotent(&a, "key", digest, at(now)).await;
    assert_eq!(begin("one", 0).await?, Begun::First { first_at: at(0) });
    store.finish_idempotent(&a, "key", &answer(200, b"x")).await?;
    assert_eq!(begin("two", DAY - 1).await?, Begun::OtherContent);
    assert_eq!(begin("two", DAY).await?, Begun::First { first_at: at(DAY) });
    assert_eq!(begin("two", DAY + 1).await?, Begun::Running);
    Ok(())
}

async fn an_abandoned_key_is_free_again(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let begin = async |digest| store.begin_idempotent(&a, "key", digest, at(0)).await;
    store.abandon_idempotent(&a, "key").await?;
    assert_eq!(begin("one").await?, Begun::First { first_at: at(0) });
    store.abandon_idempotent(&org("b"), "key").await?;
    assert_eq!(begin("one").await?, Begun::Running);
    store.abandon_idempotent(&a, "key").await?;
    store.finish_idempotent(&a, "key", &answer(200, b"late")).await?;
    assert_eq!(begin("two").await?, Begun::First { first_at: at(0) }, "a late answer makes no row anew");
    store.finish_idempotent(&a, "key", &answer(200, b"x")).await?;
    store.abandon_idempotent(&a, "key").await?;
    assert_eq!(begin("two").await?, Begun::Answered(answer(200, b"x")), "an answer is not forgotten");
    // What failed may have been done: who asks the same again goes on from the first time, another begins anew.
    let later = async |digest, now| store.begin_idempotent(&a, "other", digest, at(now)).await;
    assert_eq!(later("one", 0).await?, Begun::First { first_at: at(0) });
    store.abandon_idempotent(&a, "other").await?;
    assert_eq!(later("one", 90).await?, Begun::First { first_at: at(0) });
    store.abandon_idempotent(&a, "other").await?;
    assert_eq!(later("two", 95).await?, Begun::First { first_at: at(95) });
    assert_eq!(later("one", 96).await?, Begun::OtherContent);
    Ok(())
}

async fn of_many_at_once_one_is_the_first(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let begin = || store.begin_idempotent(&a, "key", "one", at(0));
    let begun = futures_util::future::try_join_all([begin(), begin(), begin(), begin()]).await?;
    assert_eq!(
        begun.iter().filter(|begun| **begun == Begun::First { first_at: at(0) }).count(),
        1,
        "{begun:?}"
    );
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Running).count(), 3, "{begun:?}");
    Ok(())
}

async fn any_text_is_a_key_of_its_own(bench: &Bench) -> Outcome {
    let (store, long) = (&bench.store, "k".repeat(5_000));
    for (organization, key) in
        [("a", ""), ("a", "#"), ("a", "ключ"), ("a", &long), ("a", &long[1..]), ("b", ""), ("ab", "")]
    {
        let begun = store.begin_idempotent(&org(organization), key, "one", at(0)).await?;
        assert_eq!(begun, Begun::First { first_at: at(0) }, "{organization} {key:.9}");
    }
    Ok(())
}

/// Where a dead attempt comes to life after it was taken over.
async fn the_first_answer_stays(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    store.begin_idempotent(&a, "key", "one", at(0)).await?;
    store.finish_idempotent(&a, "key", &answer(201, b"first")).await?;
    store.finish_idempotent(&a, "key", &answer(409, b"second")).await?;
    let begun = store.begin_idempotent(&a, "key", "one", at(1)).await?;
    assert_eq!(begun, Begun::Answered(answer(201, b"first")));
    Ok(())
}

async fn a_large_answer_is_kept_as_far_as_it_fits(bench: &Bench) -> Outcome {
    let (store, a) = (&bench.store, org("a"));
    let repeated = b"{\"id\":\"itm_1\"},".repeat(100_000);
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap_or(0)
    };
    let noisy: Vec<u8> = (0..400 * 1024).map(|_| noise()).collect();
    for (key, body, kept) in
        [("none", &[][..], &[][..]), ("repeated", &repeated, &repeated), ("noisy", &noisy, &[])]
    {
        store.begin_idempotent(&a, key, "one", at(0)).await?;
        store.finish_idempotent(&a, key, &answer(200, body)).await?;
        let begun = store.begin_idempotent(&a, key, "one", at(1)).await?;
        assert!(begun == Begun::Answered(answer(200, kept)), "{key}");
    }
    Ok(())
}

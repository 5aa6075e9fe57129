//! Writes: one row or several together, each with its condition and the error that the condition's failure is.
//!
//! Whoever is throttled or meets another transaction tries again within [`Backoff`]'s bounds. All tries of a call carry
//! one `ClientRequestToken`, so DynamoDB itself answers a repeated transaction without doing it twice. Where it does not
//! (single writes, ten minutes later, another engine), a condition that fails after a try without an answer is looked
//! into: if a row that the call puts stands exactly as the call wanted it, the lost try had done the work.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};

use crate::keys::{Key, PK, SK};
use crate::retry::{Backoff, Verdict, given_up, is_busy, verdict};
use crate::row::Row;
use crate::{Store, StoreError};

/// DynamoDB's bound of a transaction.
pub(crate) const STEPS_MAX: usize = 100;

/// What a failed condition means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Conflict(&'static str),
    Exists(&'static str),
    NotEnoughStock,
    /// The rest goes on without this step.
    Skip,
}

impl Refused {
    fn error(self) -> StoreError {
        match self {
            Self::Conflict(what) => StoreError::Conflict(what),
            Self::Exists(what) => StoreError::Exists(what),
            Self::NotEnoughStock => StoreError::NotEnoughStock,
            // Only a single write of such a step comes here; there is no rest.
            Self::Skip => StoreError::Conflict("a row"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Action {
    Put(Row),
    Update(Key, String),
    Delete(Key),
    Check(Key),
}

/// One write, or one demand, of a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    personal: bool,
    action: Action,
    condition: Option<String>,
    refused: Refused,
    names: BTreeMap<String, String>,
    values: BTreeMap<String, AttributeValue>,
}

impl Step {
    fn new(action: Action) -> Self {
        let (names, values) = (BTreeMap::new(), BTreeMap::new());
        let refused = Refused::Conflict("a row");
        Self { personal: false, action, condition: None, refused, names, values }
    }

    /// The row, keys included.
    pub fn put(row: Row) -> Self {
        Self::new(Action::Put(row))
    }

    pub fn update(key: Key, expression: impl Into<String>) -> Self {
        Self::new(Action::Update(key, expression.into()))
    }

    pub fn delete(key: Key) -> Self {
        Self::new(Action::Delete(key))
    }

    /// Only the condition.
    pub fn check(key: Key, condition: impl Into<String>, refused: Refused) -> Self {
        Self::new(Action::Check(key)).only_if(condition, refused)
    }

    pub fn only_if(mut self, condition: impl Into<String>, refused: Refused) -> Self {
        self.condition = Some(condition.into());
        self.refused = refused;
        self
    }

    /// Only if there is no such row.
    pub fn only_if_new(self, refused: Refused) -> Self {
        self.only_if("attribute_not_exists(pk)", refused)
    }

    /// Only if the row has the version before `after`, in the attribute `version`; none for the first version.
    pub fn only_after(self, version: u64, what: &'static str) -> Self {
        if version <= 1 {
            self.only_if_new(Refused::Conflict(what))
        } else {
            self.only_if("#version = :version_before", Refused::Conflict(what))
                .name("#version", "version")
                .value(":version_before", crate::row::n(version - 1))
        }
    }

    /// In the table of personal data.
    pub fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    pub fn name(mut self, placeholder: &str, attribute: &str) -> Self {
        self.names.insert(placeholder.to_owned(), attribute.to_owned());
        self
    }

    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// The row that a step puts under a condition: where it stands just so, the step was done.
    fn witness(&self) -> Option<&Row> {
        match (&self.action, &self.condition) {
            (Action::Put(row), Some(_)) => Some(row),
            _ => None,
        }
    }

    fn table<'a>(&self, store: &'a Store) -> &'a str {
        if self.personal { &store.tables.personal } else { &store.tables.main }
    }

    fn into_item(self, table: &str) -> Result<TransactWriteItem, BuildError> {
        let Self { action, condition, names, values, .. } = self;
        let names = (!names.is_empty()).then(|| names.into_iter().collect());
        let values = (!values.is_empty()).then(|| values.into_iter().collect());
        let item = TransactWriteItem::builder();
        Ok(match action {
            Action::Put(row) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(row))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Action::Update(key, expression) => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key.into_row()))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Action::Delete(key) => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key.into_row()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            Action::Check(key) => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key.into_row()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
        }
        .build())
    }
}

/// How one try ended.
enum Tried {
    Done,
    /// The condition of the step with this number.
    ConditionFailed(usize),
    Again(Verdict, StoreError),
    Failed(StoreError),
}

impl Store {
    /// All steps together, or none; a single step as a plain write, at half the price. At most [`STEPS_MAX`], no two of
    /// one row.
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        mut steps: Vec<Step>,
    ) -> Result<(), StoreError> {
        loop {
            let Some(index) = self.try_steps(operation, &steps).await? else { return Ok(()) };
            match steps.get(index).map(|step| step.refused) {
                Some(Refused::Skip) if steps.len() > 1 => drop(steps.remove(index)),
                Some(refused) => return Err(refused.error()),
                None => return Err(StoreError::Conflict("a row")),
            }
        }
    }

    /// As [`Store::transact`] of one step, but a condition that fails is an answer: false.
    pub(crate) async fn write_if(&self, operation: &'static str, step: Step) -> Result<bool, StoreError> {
        Ok(self.try_steps(operation, &[step]).await?.is_none())
    }

    /// The number of the first step whose condition failed; `None` where all was done.
    async fn try_steps(&self, operation: &'static str, steps: &[Step]) -> Result<Option<usize>, StoreError> {
        let request = self.requests.next()?;
        // Made once: a token stands for one request, whose tries are to be the same to the byte. One write alone needs none.
        let (token, items) = if steps.len() > 1 {
            let items: Result<Vec<TransactWriteItem>, BuildError> =
                steps.iter().map(|step| step.clone().into_item(step.table(self))).collect();
            let items = items.map_err(|error| given_up(operation, Verdict::Final, error))?;
            (request.token(steps), items)
        } else {
            Default::default()
        };
        let mut backoff = Backoff::new(request.seed());
        let mut in_doubt = false;
        loop {
            let tried = match steps {
                [] => return Ok(None),
                [single] => Box::pin(self.try_single(operation, single.clone())).await,
                _ => Box::pin(self.try_together(operation, items.clone(), &token)).await,
            };
            match tried {
                Tried::Done => return Ok(None),
                Tried::ConditionFailed(_) if in_doubt && self.stands(operation, steps).await? => {
                    return Ok(None);
                }
                Tried::ConditionFailed(index) => return Ok(Some(index)),
                Tried::Failed(error) => return Err(error),
                Tried::Again(verdict, error) => {
                    in_doubt |= verdict == Verdict::InDoubt;
                    if !backoff.pause().await {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn try_single(&self, operation: &'static str, step: Step) -> Tried {
        let table = step.table(self).to_owned();
        let Step { action, condition, names, values, .. } = step;
        let names = (!names.is_empty()).then(|| names.into_iter().collect());
        let values = (!values.is_empty()).then(|| values.into_iter().collect());
        match action {
            Action::Put(row) => {
                let request = self.client.put_item().table_name(table).set_item(Some(row));
                let request = request.set_condition_expression(condition);
                let request = request.set_expression_attribute_names(names);
                single(operation, request.set_expression_attribute_values(values).send().await)
            }
            Action::Update(key, expression) => {
                let request = self.client.update_item().table_name(table).set_key(Some(key.into_row()));
                let request = request.update_expression(expression).set_condition_expression(condition);
                let request = request.set_expression_attribute_names(names);
                single(operation, request.set_expression_attribute_values(values).send().await)
            }
            Action::Delete(key) => {
                let request = self.client.delete_item().table_name(table).set_key(Some(key.into_row()));
                let request = request.set_condition_expression(condition);
                let request = request.set_expression_attribute_names(names);
                single(operation, request.set_expression_attribute_values(values).send().await)
            }
            Action::Check(_) => Tried::Done,
        }
    }

    async fn try_together(
        &self,
        operation: &'static str,
        items: Vec<TransactWriteItem>,
        token: &str,
    ) -> Tried {
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        match request.client_request_token(token).send().await {
            Ok(_) => Tried::Done,
            Err(error) => cancelled(operation, error),
        }
    }

    /// Whether a row that the steps put stands as they want it. They are done together or not at all, so one tells.
    async fn stands(&self, operation: &'static str, steps: &[Step]) -> Result<bool, StoreError> {
        let Some((step, wanted)) = steps.iter().find_map(|step| Some((step, step.witness()?))) else {
            return Ok(false);
        };
        let key = |name| wanted.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let key = Key::new(key(PK), key(SK));
        let found = self.get_from(step.table(self), operation, &key, true).await?;
        Ok(found.is_some_and(|found| is_same_row(&found, wanted)))
    }
}

/// The members of a set have no order.
fn is_same_row(left: &Row, right: &Row) -> bool {
    let is_same = |a: &AttributeValue, b: &AttributeValue| match (a, b) {
        (AttributeValue::Ss(a), AttributeValue::Ss(b)) => {
            a.len() == b.len() && a.iter().all(|member| b.contains(member))
        }
        _ => a == b,
    };
    left.len() == right.len()
        && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| is_same(value, other)))
}

fn single<T, E>(operation: &'static str, answer: Result<T, SdkError<E, HttpResponse>>) -> Tried
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Tried::Done,
        Err(error) => by_verdict(operation, verdict(&error), error),
    }
}

fn by_verdict<E: std::error::Error + Send + Sync + 'static>(
    operation: &'static str,
    verdict: Verdict,
    error: E,
) -> Tried {
    match verdict {
        Verdict::ConditionFailed => Tried::ConditionFailed(0),
        Verdict::Busy | Verdict::InDoubt => Tried::Again(verdict, given_up(operation, verdict, error)),
        Verdict::Final => Tried::Failed(given_up(operation, verdict, error)),
    }
}

fn cancelled(operation: &'static str, error: SdkError<TransactWriteItemsError, HttpResponse>) -> Tried {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return by_verdict(operation, verdict(&error), error);
    };
    let codes: Vec<&str> =
        canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    if let Some(index) = codes.iter().position(|code| *code == "ConditionalCheckFailed") {
        return Tried::ConditionFailed(index);
    }
    let verdict = if codes.iter().any(|code| is_busy(code)) { Verdict::Busy } else { Verdict::Final };
    by_verdict(operation, verdict, error)
}

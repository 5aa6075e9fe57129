//! What a query is charged: an object 1, a scalar nothing, a mutation 10, a connection 2 and its nodes times the page.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::Type;
use apollo_compiler::executable::{Field, OperationType, Selection};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::{ExtendedType, Schema};
use apollo_compiler::validation::Valid;

/// The most that one query may ask for.
pub const SINGLE_QUERY_MAX: u64 = 1_000;

/// What the document's only operation asks for, in points.
pub fn requested(schema: &Valid<Schema>, document: &Valid<ExecutableDocument>, variables: &JsonMap) -> u64 {
    let Some(operation) = document.operations.iter().next() else { return 0 };
    let walk = Walk { schema, document, variables };
    if operation.operation_type == OperationType::Mutation {
        let fields = walk.fields(&operation.selection_set.selections);
        return fields.into_iter().map(|field| 10 + walk.children(field)).sum();
    }
    walk.selections(&operation.selection_set.selections)
}

struct Walk<'a> {
    schema: &'a Valid<Schema>,
    document: &'a Valid<ExecutableDocument>,
    variables: &'a JsonMap,
}

impl<'a> Walk<'a> {
    fn fields(&self, selections: &'a [Selection]) -> Vec<&'a Field> {
        let mut fields = Vec::new();
        for selection in selections {
            match selection {
                Selection::Field(field) => fields.push(field.as_ref()),
                Selection::InlineFragment(fragment) => {
                    fields.extend(self.fields(&fragment.selection_set.selections));
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        fields.extend(self.fields(&fragment.selection_set.selections));
                    }
                }
            }
        }
        fields
    }

    fn selections(&self, selections: &'a [Selection]) -> u64 {
        self.fields(selections).into_iter().map(|field| self.field(field)).sum()
    }

    fn children(&self, field: &'a Field) -> u64 {
        self.selections(&field.selection_set.selections)
    }

    fn field(&self, field: &'a Field) -> u64 {
        let kind = field.definition.ty.inner_named_type();
        match self.schema.types.get(kind) {
            Some(ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_)) => {}
            _ => return 0,
        }
        if field.name == "userErrors" {
            return 0;
        }
        if kind.ends_with("Connection") {
            return 2 + self
                .fields(&field.selection_set.selections)
                .into_iter()
                .map(|part| self.part(field, part))
                .sum::<u64>();
        }
        let times = if is_list(&field.definition.ty) { self.length(field).unwrap_or(1) } else { 1 };
        times * (1 + self.children(field))
    }

    /// A part of a connection.
    fn part(&self, connection: &'a Field, part: &'a Field) -> u64 {
        let size = self.length(connection).unwrap_or(250);
        match part.name.as_str() {
            "nodes" => size * (1 + self.children(part)),
            // The edge is free, its node is not.
            "edges" => size * self.children(part),
            _ => 1 + self.children(part),
        }
    }

    /// From `first`, `last` or the number of `ids`.
    fn length(&self, field: &'a Field) -> Option<u64> {
        let argument =
            ["first", "last", "ids"].into_iter().find_map(|name| field.argument_by_name(name).ok())?;
        let value = match argument.as_variable() {
            Some(variable) => return number(self.variables.get(variable.as_str())?),
            None => argument,
        };
        match value.as_list() {
            Some(list) => u64::try_from(list.len()).ok(),
            None => value.to_i32().and_then(|n| u64::try_from(n).ok()),
        }
    }
}

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::NonNullList(_))
}

fn number(value: &JsonValue) -> Option<u64> {
    match value {
        JsonValue::Array(list) => u64::try_from(list.len()).ok(),
        other => other.as_u64(),
    }
}

/// What an answer turned out to cost: its objects.
pub(super) fn actual(data: &JsonMap, mutation: bool) -> u64 {
    let objects: u64 = data.values().map(objects).sum();
    if mutation { 10 } else { objects }
}

fn objects(value: &JsonValue) -> u64 {
    match value {
        JsonValue::Object(map) => 1 + map.values().map(objects).sum::<u64>(),
        JsonValue::Array(list) => list.iter().map(objects).sum(),
        _ => 0,
    }
}

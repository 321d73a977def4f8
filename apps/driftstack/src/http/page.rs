//! Pages on the wire: `limit` and an opaque `cursor` in, `{data, has_more, next_cursor}` out.

use std::borrow::Cow;

use driftstack_domain::{
    access::Permit,
    change::StoreError,
    page::{Limit, Page, PageRequest},
    policy::Operation,
    secret::Vault,
};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, Ref, RefOr,
        schema::{ArrayBuilder, Schema, SchemaType, Type},
    },
};

use super::{
    answer::Ok200,
    cursor,
    gate::Gate,
    problem::Problem,
    query::{Pairs, Parameters},
};

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Listed<T> {
    pub data: Vec<T>,
    pub has_more: bool,
    /// Give it as `cursor` to read on; null at the end.
    pub next_cursor: Option<String>,
}

// By hand: what is derived gives the pages of every kind of row one and the same name.
impl<T: ToSchema> PartialSchema for Listed<T> {
    fn schema() -> RefOr<Schema> {
        let cursor = Object::with_type(SchemaType::from_iter([Type::String, Type::Null]));
        ObjectBuilder::new()
            .property("data", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("data")
            .property("has_more", Object::with_type(Type::Boolean))
            .required("has_more")
            .property("next_cursor", cursor)
            .required("next_cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Listed<T> {
    fn name() -> Cow<'static, str> {
        format!("PageOf{}", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// `limit` and `cursor` as they came.
#[derive(Debug)]
pub struct Paging {
    limit: Limit,
    cursor: Option<String>,
}

pub const LIMIT: (&str, &str) = ("limit", "Rows a page holds, 1 to 100; 50 unless told.");
pub const CURSOR: (&str, &str) = ("cursor", "Where to read on: the `next_cursor` of the page before.");

impl Parameters for Paging {
    const KNOWN: &'static [(&'static str, &'static str)] = &[LIMIT, CURSOR];

    fn read(query: &Pairs) -> Result<Self, Problem> {
        let limit = match query.text("limit") {
            Some(text) => {
                let rows = text.parse().unwrap_or(0);
                Limit::new(rows).map_err(|error| Problem::invalid("limit", error))?
            }
            None => Limit::default(),
        };
        // An empty cursor ends a published client's walk, so it means what an absent one does.
        let cursor = query.text("cursor").filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self { limit, cursor })
    }
}

impl Paging {
    fn request<A: Operation>(&self, by: &Permit<A>, vault: &dyn Vault) -> Result<PageRequest, Problem> {
        let after = self.cursor.as_deref().map(|text| cursor::open(text, "", by, vault));
        Ok(PageRequest { limit: self.limit, after: after.transpose()? })
    }
}

impl Paging {
    /// Answers with the page that `list` finds.
    pub async fn answer<A: Operation, Row, View: From<Row>>(
        &self,
        gate: &Gate<A>,
        list: impl AsyncFn(&Permit<A>, PageRequest) -> Result<Page<Row>, StoreError>,
    ) -> Result<Ok200<Listed<View>>, Problem> {
        self.page(gate, list).await.map(Ok200)
    }

    /// The page that `list` finds, for an answer of another shape.
    pub async fn page<A: Operation, Row, View: From<Row>>(
        &self,
        gate: &Gate<A>,
        list: impl AsyncFn(&Permit<A>, PageRequest) -> Result<Page<Row>, StoreError>,
    ) -> Result<Listed<View>, Problem> {
        let (by, vault) = (gate.permit(), gate.services().vault.as_ref());
        let page = list(by, self.request(by, vault)?).await?;
        Ok(Listed::new(by, page, vault))
    }

    /// The same for a list that belongs to something which may not be there.
    pub async fn answer_if<A: Operation, Row, View: From<Row>>(
        &self,
        gate: &Gate<A>,
        list: impl AsyncFn(&Permit<A>, PageRequest) -> Result<Option<Page<Row>>, StoreError>,
    ) -> Result<Option<Ok200<Listed<View>>>, Problem> {
        let (by, vault) = (gate.permit(), gate.services().vault.as_ref());
        let page = list(by, self.request(by, vault)?).await?;
        Ok(page.map(|page| Ok200(Listed::new(by, page, vault))))
    }
}

impl<T> Listed<T> {
    fn new<A: Operation, Row>(by: &Permit<A>, page: Page<Row>, vault: &dyn Vault) -> Self
    where
        T: From<Row>,
    {
        let next_cursor = page.next.map(|position| cursor::seal(position, "", by, vault));
        Self { data: page.rows.into_iter().map(T::from).collect(), has_more: next_cursor.is_some(), next_cursor }
    }
}

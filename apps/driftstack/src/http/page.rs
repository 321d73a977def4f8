//! Pages on the wire: `limit` and an opaque `cursor` in, `{data, has_more, next_cursor}` out.

use std::borrow::Cow;

use data_encoding::BASE64URL_NOPAD;
use driftstack_domain::{
    access::Permit,
    change::StoreError,
    id::AccountId,
    page::{Limit, Page, PageRequest, Position},
    policy::{Action, Operation},
    secret::{Sealed, Vault},
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

/// A cursor is never longer.
const MAX_CURSOR_CHARS: usize = 512;

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

/// A cursor is sealed: nobody can read, forge or carry one to another list or another account.
fn context(action: Action, account: AccountId) -> String {
    format!("cursor {} {account}", action.gates().name)
}

impl Paging {
    fn request<A: Operation>(&self, by: &Permit<A>, vault: &dyn Vault) -> Result<PageRequest, Problem> {
        let after = self.cursor.as_deref().map(|text| {
            open(text, &context(A::ACTION, by.workspace()), vault)
                .ok_or_else(|| Problem::invalid("cursor", "not a cursor of this list; start again without one"))
        });
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

fn open(text: &str, context: &str, vault: &dyn Vault) -> Option<Position> {
    if text.len() > MAX_CURSOR_CHARS {
        return None;
    }
    let sealed = Sealed(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
    let bytes = vault.unseal(context, &sealed).ok()?;
    Some(Position(u128::from_be_bytes(bytes.try_into().ok()?)))
}

impl<T> Listed<T> {
    fn new<A: Operation, Row>(by: &Permit<A>, page: Page<Row>, vault: &dyn Vault) -> Self
    where
        T: From<Row>,
    {
        let seal = |position: Position| {
            let sealed = vault.seal(&context(A::ACTION, by.workspace()), &position.0.to_be_bytes());
            BASE64URL_NOPAD.encode(&sealed.0)
        };
        let next_cursor = page.next.map(seal);
        Self { data: page.rows.into_iter().map(T::from).collect(), has_more: next_cursor.is_some(), next_cursor }
    }
}

//! Statements that are prepared once for each connection.
//!
//! diesel prepares every update anew, as it may have been given any choice of columns. On Postgres that is a round trip and the
//! making of a plan for each; here the choice never changes.

use diesel::{
    backend::Backend,
    dsl,
    prelude::*,
    query_builder::{
        AsChangeset, AsQuery, AstPass, IntoUpdateTarget, Query, QueryFragment, QueryId, ReturningClause,
        UpdateStatement,
    },
};

/// A statement whose text says all that there is to its plan. Lists of any length are an exception on SQLite, where each length is
/// a text of its own: those that are bounded may come in here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cached<T>(pub(crate) T);

impl<T, DB> QueryFragment<DB> for Cached<T>
where
    T: QueryFragment<DB>,
    DB: Backend,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T> QueryId for Cached<T> {
    type QueryId = ();

    // It is known by its text, not by its type.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

/// What diesel's function of this name makes, but cached.
pub(crate) struct Update<T: QuerySource, U>(UpdateStatement<T, U>);

#[expect(clippy::disallowed_methods, reason = "the place for it")]
pub(crate) fn update<T: IntoUpdateTarget>(target: T) -> Update<T::Table, T::WhereClause> {
    Update(dsl::update(target))
}

impl<T: Table, U> Update<T, U> {
    pub(crate) fn set<V>(self, values: V) -> Cached<UpdateStatement<T, U, V::Changeset>>
    where
        V: AsChangeset<Target = T>,
        UpdateStatement<T, U, V::Changeset>: AsQuery,
    {
        Cached(self.0.set(values))
    }
}

impl<T: Table, U, V> Cached<UpdateStatement<T, U, V>> {
    pub(crate) fn returning<E>(self, columns: E) -> Cached<UpdateStatement<T, U, V, ReturningClause<E>>>
    where
        UpdateStatement<T, U, V, ReturningClause<E>>: Query,
    {
        Cached(self.0.returning(columns))
    }
}

//! Parameters and rows, as PostgreSQL has them.

use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::fault;
use crate::db::connection::{Row, Val};
use crate::error::Result;

/// A parameter that lives until its statement was sent.
#[derive(Debug)]
pub(super) enum Owned {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<&Val<'_>> for Owned {
    fn from(value: &Val<'_>) -> Self {
        match value {
            Val::Null => Owned::Null,
            Val::Int(value) => Owned::Int(*value),
            Val::Text(value) => Owned::Text((*value).to_owned()),
            Val::Blob(value) => Owned::Blob(value.to_vec()),
        }
    }
}

impl ToSql for Owned {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Owned::Null => Ok(IsNull::Yes),
            Owned::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Owned::Int(value) => value.to_sql(ty, out),
            Owned::Text(value) => value.to_sql(ty, out),
            Owned::Blob(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Row for tokio_postgres::Row {
    fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        if *self.columns()[column].type_() == Type::INT4 {
            let value: Option<i32> = self.try_get(column).map_err(|error| fault(&error))?;
            return Ok(value.map(i64::from));
        }
        self.try_get(column).map_err(|error| fault(&error))
    }

    fn opt_text(&self, column: usize) -> Result<Option<&str>> {
        self.try_get(column).map_err(|error| fault(&error))
    }

    fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>> {
        self.try_get(column).map_err(|error| fault(&error))
    }
}

//! The words that a statement may hold: functions, types, fields of a time. None reads a file, the network, the environment
//! or the engine's settings, and none makes long texts of short ones.

use sqlparser::ast::{BinaryOperator, DataType, DateTimeField};

/// The schema of the views.
pub(super) const SCHEMA: &str = "ask";

/// Functions of one row.
const PLAIN: &[&str] = &[
    "abs",
    "ceil",
    "ceiling",
    "coalesce",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "epoch",
    "epoch_ms",
    "exp",
    "floor",
    "greatest",
    "hour",
    "ifnull",
    "isfinite",
    "isnan",
    "least",
    "left",
    "length",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "make_timestamp",
    "minute",
    "mod",
    "nullif",
    "pow",
    "power",
    "regexp_matches",
    "right",
    "round",
    "rtrim",
    "second",
    "sign",
    "split_part",
    "sqrt",
    "starts_with",
    "strftime",
    "strpos",
    "substr",
    "substring",
    "suffix",
    "prefix",
    "time_bucket",
    "to_timestamp",
    "trim",
    "trunc",
    "upper",
    "year",
    "month",
    "day",
    "dayofweek",
];
/// Functions of many rows.
const AGGREGATE: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "approx_quantile",
    "arg_max",
    "arg_min",
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "count_if",
    "first",
    "last",
    "max",
    "mean",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];
/// Functions of a row among others.
const WINDOW: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "ntile",
    "nth_value",
    "percent_rank",
    "rank",
    "row_number",
];

/// Whether a function of this name, in lower case, may be called.
pub(super) fn function(name: &str) -> bool {
    [PLAIN, AGGREGATE, WINDOW].iter().any(|l| l.contains(&name))
}

/// Names for now, which the colony's clock answers.
pub(super) fn is_now(name: &str) -> bool {
    matches!(
        name,
        "now" | "current_timestamp" | "get_current_timestamp" | "transaction_timestamp"
    )
}

/// The engine's word for a type.
pub(super) fn data_type(wanted: &DataType) -> Option<&'static str> {
    Some(match wanted {
        DataType::Boolean | DataType::Bool => "BOOLEAN",
        DataType::TinyInt(None) => "TINYINT",
        DataType::SmallInt(None) => "SMALLINT",
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => "INTEGER",
        DataType::BigInt(None) | DataType::Int8(None) => "BIGINT",
        DataType::UBigInt => "UBIGINT",
        DataType::HugeInt => "HUGEINT",
        DataType::Real | DataType::Float4 => "REAL",
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 | DataType::Float(_) => {
            "DOUBLE"
        }
        DataType::Varchar(None) | DataType::Text | DataType::String(None) => "VARCHAR",
        DataType::Date => "DATE",
        DataType::Timestamp(None, _) => "TIMESTAMP",
        _ => return None,
    })
}

/// The engine's word for a field of a time.
pub(super) fn field(wanted: &DateTimeField) -> Option<&'static str> {
    use DateTimeField as F;
    Some(match wanted {
        F::Year | F::Years => "year",
        F::Quarter => "quarter",
        F::Month | F::Months => "month",
        F::Week(None) | F::Weeks => "week",
        F::Day | F::Days => "day",
        F::Dow | F::DayOfWeek => "dow",
        F::Isodow => "isodow",
        F::Doy | F::DayOfYear => "doy",
        F::Hour | F::Hours => "hour",
        F::Minute | F::Minutes => "minute",
        F::Second | F::Seconds => "second",
        F::Millisecond | F::Milliseconds => "millisecond",
        F::Microsecond | F::Microseconds => "microsecond",
        F::Epoch => "epoch",
        _ => return None,
    })
}

/// The engine's sign for an operator.
pub(super) fn operator(wanted: &BinaryOperator) -> Option<&'static str> {
    use BinaryOperator as B;
    Some(match wanted {
        B::Plus => "+",
        B::Minus => "-",
        B::Multiply => "*",
        B::Divide => "/",
        B::DuckIntegerDivide => "//",
        B::Modulo => "%",
        B::StringConcat => "||",
        B::Eq => "=",
        B::NotEq => "<>",
        B::Lt => "<",
        B::LtEq => "<=",
        B::Gt => ">",
        B::GtEq => ">=",
        B::And => "AND",
        B::Or => "OR",
        _ => return None,
    })
}

//! Expressions: values, operators, functions of the list, conditions and queries in parentheses.

use super::select::idents;
use super::{MAX_JOINS_OF_TEXT, SqlError, Writer, refuse, words};
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DateTimeField, DuplicateTreatment, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Interval,
    Query, UnaryOperator, Value, WindowSpec, WindowType,
};

impl Writer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<(), SqlError> {
        // In parentheses, so that no rule of precedence has to be the same in two programs.
        self.put("(");
        self.deeper(|w| w.bare(expr))?;
        self.put(")");
        Ok(())
    }

    fn bare(&mut self, expr: &Expr) -> Result<(), SqlError> {
        match expr {
            Expr::Identifier(name) if name.quote_style != Some('\'') => self.name(&name.value),
            Expr::CompoundIdentifier(names) if names.len() == 2 => {
                self.name(&names[0].value);
                self.put(".");
                self.name(&names[1].value);
            }
            Expr::Nested(inner) => return self.bare_nested(inner),
            Expr::Value(value) => return self.value(&value.value),
            Expr::IsNull(e) => return self.after(e, " IS NULL"),
            Expr::IsNotNull(e) => return self.after(e, " IS NOT NULL"),
            Expr::IsTrue(e) => return self.after(e, " IS TRUE"),
            Expr::IsNotTrue(e) => return self.after(e, " IS NOT TRUE"),
            Expr::IsFalse(e) => return self.after(e, " IS FALSE"),
            Expr::IsNotFalse(e) => return self.after(e, " IS NOT FALSE"),
            Expr::IsDistinctFrom(a, b) => return self.two(a, "IS DISTINCT FROM", b),
            Expr::IsNotDistinctFrom(a, b) => return self.two(a, "IS NOT DISTINCT FROM", b),
            Expr::BinaryOp { left, op, right } => return self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => {
                self.put(match op {
                    UnaryOperator::Plus => "+",
                    UnaryOperator::Minus => "-",
                    UnaryOperator::Not => "NOT ",
                    _ => return refuse(format_args!("the operator {op} is not allowed")),
                });
                return self.expr(expr);
            }
            Expr::Function(function) => return self.function(function),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => return self.case(operand.as_deref(), conditions, else_result.as_deref()),
            other => return self.condition(other),
        }
        Ok(())
    }

    /// Parentheses that stand there anyway are not doubled.
    fn bare_nested(&mut self, inner: &Expr) -> Result<(), SqlError> {
        self.deeper(|w| w.bare(inner))
    }

    /// Conditions over lists and queries, and the forms that have words of their own.
    fn condition(&mut self, expr: &Expr) -> Result<(), SqlError> {
        match expr {
            Expr::InList {
                expr,
                list,
                negated,
            } => {
                self.expr(expr)?;
                self.put(not(*negated, " IN ("));
                self.list(list, ", ", |w, e| w.expr(e))?;
                self.put(")");
                Ok(())
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                self.expr(expr)?;
                self.put(not(*negated, " IN "));
                self.subquery(subquery)
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                self.expr(expr)?;
                self.put(not(*negated, " BETWEEN "));
                self.expr(low)?;
                self.put(" AND ");
                self.expr(high)
            }
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self.two(expr, not(*negated, " LIKE "), pattern),
            Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => self.two(expr, not(*negated, " ILIKE "), pattern),
            Expr::Exists { subquery, negated } => {
                self.put(if *negated { "NOT EXISTS " } else { "EXISTS " });
                self.subquery(subquery)
            }
            Expr::Subquery(query) => self.subquery(query),
            other => self.form(other),
        }
    }

    /// The forms that other programs write in words of their own; here they become calls.
    fn form(&mut self, expr: &Expr) -> Result<(), SqlError> {
        match expr {
            Expr::Cast {
                kind,
                expr,
                data_type,
                format: None,
            } => {
                let word = match kind {
                    CastKind::Cast | CastKind::DoubleColon => "CAST(",
                    CastKind::TryCast => "TRY_CAST(",
                    CastKind::SafeCast => return refuse("SAFE_CAST is not allowed"),
                };
                let Some(name) = words::data_type(data_type) else {
                    return refuse(format_args!("the type {data_type} is not allowed"));
                };
                self.put(word);
                self.expr(expr)?;
                self.put(&format!(" AS {name})"));
                Ok(())
            }
            Expr::TypedString(typed) if !typed.uses_odbc_syntax => {
                let Some(name) = words::data_type(&typed.data_type) else {
                    return refuse(format_args!("the type {} is not allowed", typed.data_type));
                };
                self.put("CAST((");
                self.value(&typed.value.value)?;
                self.put(&format!(") AS {name})"));
                Ok(())
            }
            Expr::Extract { field, expr, .. } => {
                let name = field_name(field)?;
                self.put(&format!("date_part(('{name}'), "));
                self.expr(expr)?;
                self.put(")");
                Ok(())
            }
            Expr::Interval(interval) => self.interval(interval),
            Expr::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.call("ceil", &[expr]),
            Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.call("floor", &[expr]),
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for,
                ..
            } => match substring_for {
                None => self.call("substring", &[expr, from]),
                Some(length) => self.call("substring", &[expr, from, length]),
            },
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr,
                trim_characters: None,
            } => self.call("trim", &[expr]),
            Expr::Position { expr, r#in } => self.call("strpos", &[r#in, expr]),
            other => refuse(format_args!("{} is not allowed", shown(other))),
        }
    }

    fn subquery(&mut self, query: &Query) -> Result<(), SqlError> {
        self.put("(");
        self.deeper(|w| w.inner(query))?;
        self.put(")");
        Ok(())
    }

    fn after(&mut self, expr: &Expr, words: &str) -> Result<(), SqlError> {
        self.expr(expr)?;
        self.put(words);
        Ok(())
    }

    fn two(&mut self, left: &Expr, word: &str, right: &Expr) -> Result<(), SqlError> {
        self.expr(left)?;
        self.put(&format!(" {} ", word.trim()));
        self.expr(right)
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<(), SqlError> {
        let Some(sign) = words::operator(op) else {
            return refuse(format_args!("the operator {op} is not allowed"));
        };
        if matches!(op, BinaryOperator::StringConcat) {
            self.joins_of_text += 1;
            if self.joins_of_text > MAX_JOINS_OF_TEXT {
                return refuse(format_args!("|| may stand {MAX_JOINS_OF_TEXT} times"));
            }
        }
        self.two(left, sign, right)
    }

    fn call(&mut self, name: &str, args: &[&Expr]) -> Result<(), SqlError> {
        self.put(name);
        self.put("(");
        self.list(args, ", ", |w, e| w.expr(e))?;
        self.put(")");
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<(), SqlError> {
        match value {
            Value::Number(digits, false) => {
                let number =
                    |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
                if !digits.chars().all(number) || digits.parse::<f64>().is_err() {
                    return refuse("that is no number");
                }
                self.put(digits);
                Ok(())
            }
            Value::SingleQuotedString(text) => self.text(text),
            Value::Boolean(true) => {
                self.put("TRUE");
                Ok(())
            }
            Value::Boolean(false) => {
                self.put("FALSE");
                Ok(())
            }
            Value::Null => {
                self.put("NULL");
                Ok(())
            }
            Value::Placeholder(_) => refuse("there is nothing to fill in for a placeholder"),
            _ => refuse("a text stands between single quotes"),
        }
    }

    fn interval(&mut self, interval: &Interval) -> Result<(), SqlError> {
        let odd = interval.leading_precision.is_some()
            || interval.last_field.is_some()
            || interval.fractional_seconds_precision.is_some();
        let amount = match &*interval.value {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, false) => Some(digits.clone()),
                Value::SingleQuotedString(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        let (Some(amount), false) = (amount, odd) else {
            return refuse("write INTERVAL '1 hour'");
        };
        let unit = match &interval.leading_field {
            None => String::new(),
            Some(field) => format!(" {}", field_name(field)?),
        };
        self.put("INTERVAL ");
        self.text(&format!("{amount}{unit}"))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<(), SqlError> {
        self.put("CASE");
        if let Some(operand) = operand {
            self.put(" ");
            self.expr(operand)?;
        }
        for when in conditions {
            self.put(" WHEN ");
            self.expr(&when.condition)?;
            self.put(" THEN ");
            self.expr(&when.result)?;
        }
        if let Some(otherwise) = otherwise {
            self.put(" ELSE ");
            self.expr(otherwise)?;
        }
        self.put(" END");
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Result<(), SqlError> {
        let name = match idents(&function.name)?[..] {
            [name] => name.value.to_lowercase(),
            _ => return refuse("functions have no schema"),
        };
        let empty = |args: &FunctionArguments| match args {
            FunctionArguments::None => true,
            FunctionArguments::List(list) => list.args.is_empty(),
            FunctionArguments::Subquery(_) => false,
        };
        let odd = function.uses_odbc_syntax
            || !matches!(function.parameters, FunctionArguments::None)
            || !function.within_group.is_empty()
            || function.null_treatment.is_some();
        if words::is_now(&name) && empty(&function.args) && !odd {
            let micros = self.rules.now.0.div_euclid(1000);
            self.put(&format!("make_timestamp(({micros}))"));
            return Ok(());
        }
        if !words::function(&name) {
            let name = coral_model::observed::visible(&name).into_owned();
            return refuse(format_args!("the function {name} is not allowed"));
        }
        let FunctionArguments::List(args) = &function.args else {
            return refuse(format_args!("{name} takes its arguments in parentheses"));
        };
        if odd {
            return refuse(format_args!(
                "{name} is called in a form that is not allowed"
            ));
        }
        self.put(&name);
        self.arguments(args)?;
        if let Some(filter) = &function.filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter)?;
            self.put(")");
        }
        match &function.over {
            None => Ok(()),
            Some(WindowType::WindowSpec(window)) => self.window(window),
            Some(WindowType::NamedWindow(_)) => refuse("a window has no name"),
        }
    }

    fn arguments(&mut self, args: &FunctionArgumentList) -> Result<(), SqlError> {
        if !args.clauses.is_empty() {
            return refuse("arguments of a function are expressions alone");
        }
        self.put("(");
        if matches!(args.duplicate_treatment, Some(DuplicateTreatment::Distinct)) {
            self.put("DISTINCT ");
        }
        self.list(&args.args, ", ", |w, arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => w.expr(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {
                w.put("*");
                Ok(())
            }
            _ => refuse("arguments of a function are expressions alone"),
        })?;
        self.put(")");
        Ok(())
    }

    fn window(&mut self, window: &WindowSpec) -> Result<(), SqlError> {
        if window.window_name.is_some() || window.window_frame.is_some() {
            return refuse("OVER takes PARTITION BY and ORDER BY alone");
        }
        self.put(" OVER (");
        if !window.partition_by.is_empty() {
            self.put("PARTITION BY ");
            self.list(&window.partition_by, ", ", |w, e| w.expr(e))?;
            self.put(" ");
        }
        if !window.order_by.is_empty() {
            self.put("ORDER BY ");
            self.by(&window.order_by)?;
        }
        self.put(")");
        Ok(())
    }
}

fn not(negated: bool, word: &'static str) -> &'static str {
    match (negated, word) {
        (false, word) => word,
        (true, " IN (") => " NOT IN (",
        (true, " IN ") => " NOT IN ",
        (true, " BETWEEN ") => " NOT BETWEEN ",
        (true, " LIKE ") => " NOT LIKE ",
        (true, _) => " NOT ILIKE ",
    }
}

fn field_name(field: &DateTimeField) -> Result<&'static str, SqlError> {
    match words::field(field) {
        Some(name) => Ok(name),
        None => refuse(format_args!("{field} is no field of a time here")),
    }
}

/// An expression in a few characters.
fn shown(expr: &Expr) -> String {
    let text = expr.to_string();
    let text = coral_model::observed::visible(&text);
    match text.char_indices().nth(40) {
        None => text.into_owned(),
        Some((cut, _)) => format!("{}…", &text[..cut]),
    }
}

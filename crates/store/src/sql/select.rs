//! Queries: WITH, SELECT, FROM, set operations, order and limit.

use super::{MAX_TABLES, SqlError, Writer, refuse, words};
use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause,
    ObjectName, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort,
    Query, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator,
    SetQuantifier, TableAlias, TableFactor, TableWithJoins, Value, WildcardAdditionalOptions, With,
};

/// Letters, digits and `_`, beginning with a letter or `_`: what no file with content can be called.
fn plain(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The parts of a name; a string in quotes of one kind is none.
pub(super) fn idents<'n>(name: &'n ObjectName) -> Result<Vec<&'n Ident>, SqlError> {
    let part = |part: &'n ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) if ident.quote_style != Some('\'') => Ok(ident),
        _ => refuse("a name is a word, not a string: no file can be read"),
    };
    name.0.iter().map(part).collect()
}

impl Writer<'_> {
    /// The whole statement: only here may names be defined and rows be limited by the colony.
    pub(super) fn whole(&mut self, query: &Query) -> Result<(), SqlError> {
        if let Some(with) = &query.with {
            self.with(with)?;
        }
        self.body(query)?;
        let asked = limit(query.limit_clause.as_ref())?;
        let most = self.rules.limit;
        self.put(&format!(" LIMIT {}", asked.0.map_or(most, |n| n.min(most))));
        self.offset(asked.1);
        Ok(())
    }

    fn with(&mut self, with: &With) -> Result<(), SqlError> {
        if with.recursive {
            return refuse("WITH RECURSIVE is not allowed");
        }
        self.put("WITH ");
        self.list(&with.cte_tables, ", ", |w, cte| {
            let name = cte.alias.name.value.to_lowercase();
            if !plain(&name) || cte.alias.name.quote_style == Some('\'') {
                return refuse("a name after WITH is letters, digits and _");
            }
            if w.rules.views.contains(&&*name) || w.defined.contains(&name) {
                return refuse(format_args!("WITH cannot define {name} anew"));
            }
            if !cte.alias.columns.is_empty() || cte.from.is_some() || cte.materialized.is_some() {
                return refuse("WITH takes a name and a query alone");
            }
            w.name(&name);
            w.put(" AS (");
            w.inner(&cte.query)?;
            w.put(")");
            // Not before: what it defines is not known within it.
            w.defined.insert(name);
            Ok(())
        })?;
        self.put(" ");
        Ok(())
    }

    /// A query inside of another.
    pub(super) fn inner(&mut self, query: &Query) -> Result<(), SqlError> {
        if query.with.is_some() {
            return refuse("WITH stands at the beginning of the statement alone");
        }
        self.body(query)?;
        let (most, skip) = limit(query.limit_clause.as_ref())?;
        if let Some(most) = most {
            self.put(&format!(" LIMIT {most}"));
        }
        self.offset(skip);
        Ok(())
    }

    fn offset(&mut self, skip: Option<u64>) {
        if let Some(skip) = skip {
            self.put(&format!(" OFFSET {skip}"));
        }
    }

    /// All but WITH and LIMIT.
    fn body(&mut self, query: &Query) -> Result<(), SqlError> {
        let odd = query.fetch.is_some()
            || !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if odd {
            return refuse("only SELECT, ORDER BY, LIMIT and OFFSET are allowed");
        }
        self.deeper(|w| w.set(&query.body))?;
        match &query.order_by {
            Some(order) => self.order(order),
            None => Ok(()),
        }
    }

    fn set(&mut self, set: &SetExpr) -> Result<(), SqlError> {
        match set {
            SetExpr::Select(select) => self.select(select),
            // Parentheses that mean nothing: those of a set operation are written there.
            SetExpr::Query(query) if query.order_by.is_none() && query.limit_clause.is_none() => {
                self.deeper(|w| w.inner(query))
            }
            SetExpr::Query(query) => {
                self.put("(");
                self.deeper(|w| w.inner(query))?;
                self.put(")");
                Ok(())
            }
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                let op = match op {
                    SetOperator::Union => "UNION",
                    SetOperator::Except | SetOperator::Minus => "EXCEPT",
                    SetOperator::Intersect => "INTERSECT",
                };
                let all = match set_quantifier {
                    SetQuantifier::All => " ALL",
                    SetQuantifier::None | SetQuantifier::Distinct => "",
                    _ => return refuse("BY NAME is not allowed"),
                };
                self.put("(");
                self.deeper(|w| w.set(left))?;
                self.put(&format!(") {op}{all} ("));
                self.deeper(|w| w.set(right))?;
                self.put(")");
                Ok(())
            }
            SetExpr::Values(_) => refuse("VALUES is not allowed"),
            _ => refuse("only SELECT is allowed"),
        }
    }

    fn select(&mut self, select: &Select) -> Result<(), SqlError> {
        odd_clauses(select)?;
        self.put("SELECT ");
        match &select.distinct {
            None | Some(Distinct::All) => {}
            Some(Distinct::Distinct) => self.put("DISTINCT "),
            Some(Distinct::On(by)) => {
                self.put("DISTINCT ON (");
                self.list(by, ", ", |w, e| w.expr(e))?;
                self.put(") ");
            }
        }
        if select.projection.is_empty() {
            self.put("*");
        }
        self.list(&select.projection, ", ", Self::item)?;
        if !select.from.is_empty() {
            self.put(" FROM ");
            self.list(&select.from, ", ", Self::joined)?;
        }
        self.clause(" WHERE ", select.selection.as_ref())?;
        match &select.group_by {
            GroupByExpr::All(modifiers) if modifiers.is_empty() => self.put(" GROUP BY ALL"),
            GroupByExpr::Expressions(by, modifiers) if modifiers.is_empty() => {
                if !by.is_empty() {
                    self.put(" GROUP BY ");
                    self.list(by, ", ", |w, e| w.expr(e))?;
                }
            }
            _ => return refuse("GROUP BY takes expressions or ALL"),
        }
        self.clause(" HAVING ", select.having.as_ref())?;
        self.clause(" QUALIFY ", select.qualify.as_ref())
    }

    fn clause(&mut self, word: &str, expr: Option<&Expr>) -> Result<(), SqlError> {
        match expr {
            None => Ok(()),
            Some(expr) => {
                self.put(word);
                self.expr(expr)
            }
        }
    }

    fn item(&mut self, item: &SelectItem) -> Result<(), SqlError> {
        match item {
            SelectItem::UnnamedExpr(expr) => self.expr(expr),
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expr(expr)?;
                self.put(" AS ");
                self.name(&alias.value);
                Ok(())
            }
            SelectItem::Wildcard(options) => {
                bare(options)?;
                self.put("*");
                Ok(())
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                bare(options)?;
                match idents(name)?[..] {
                    [table] => self.name(&table.value),
                    _ => return refuse("write TABLE.* with one name"),
                }
                self.put(".*");
                Ok(())
            }
            _ => refuse("only expressions, AS and * can be selected"),
        }
    }

    fn joined(&mut self, table: &TableWithJoins) -> Result<(), SqlError> {
        self.table(&table.relation)?;
        table.joins.iter().try_for_each(|join| self.join(join))
    }

    fn join(&mut self, join: &Join) -> Result<(), SqlError> {
        let (word, constraint) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (" JOIN ", on),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (" LEFT JOIN ", on),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (" RIGHT JOIN ", on),
            JoinOperator::FullOuter(on) => (" FULL JOIN ", on),
            JoinOperator::CrossJoin(on) => (" CROSS JOIN ", on),
            _ => return refuse("only JOIN, LEFT, RIGHT, FULL and CROSS JOIN are allowed"),
        };
        self.put(word);
        self.table(&join.relation)?;
        match constraint {
            JoinConstraint::None if word == " CROSS JOIN " => Ok(()),
            JoinConstraint::None => refuse("JOIN takes ON or USING"),
            JoinConstraint::On(expr) => {
                self.put(" ON ");
                self.expr(expr)
            }
            JoinConstraint::Using(columns) => {
                self.put(" USING (");
                self.list(columns, ", ", |w, column| match idents(column)?[..] {
                    [column] => {
                        w.name(&column.value);
                        Ok(())
                    }
                    _ => refuse("USING takes names of columns"),
                })?;
                self.put(")");
                Ok(())
            }
            JoinConstraint::Natural => refuse("NATURAL is not allowed; write USING"),
        }
    }

    fn table(&mut self, table: &TableFactor) -> Result<(), SqlError> {
        self.tables += 1;
        if self.tables > MAX_TABLES {
            return refuse(format_args!(
                "a statement names at most {MAX_TABLES} tables"
            ));
        }
        match table {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                self.relation(name)?;
                self.alias(alias.as_ref())
            }
            TableFactor::Table { args: Some(_), .. } => {
                refuse("no function can stand in FROM; read_csv and the like are not allowed")
            }
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias,
                sample: None,
            } => {
                self.put("(");
                self.deeper(|w| w.inner(subquery))?;
                self.put(")");
                self.alias(alias.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => {
                self.put("(");
                self.deeper(|w| w.joined(table_with_joins))?;
                self.put(")");
                Ok(())
            }
            _ => refuse("FROM takes tables, joins and queries in parentheses"),
        }
    }

    /// A view, or what WITH has defined.
    fn relation(&mut self, name: &ObjectName) -> Result<(), SqlError> {
        let parts: Vec<String> = idents(name)?
            .iter()
            .map(|i| i.value.to_lowercase())
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts[..] {
            [name] if self.defined.contains(name) => self.name(name),
            [name] | [words::SCHEMA, name] if self.rules.views.contains(&name) => {
                self.put(words::SCHEMA);
                self.put(".");
                self.name(name);
            }
            _ => {
                let known = self.rules.views.join(", ");
                let name = coral_model::observed::visible(&parts.join(".")).into_owned();
                return refuse(format_args!("no table is named {name}; there are {known}"));
            }
        }
        Ok(())
    }

    fn alias(&mut self, alias: Option<&TableAlias>) -> Result<(), SqlError> {
        match alias {
            None => Ok(()),
            Some(alias) if alias.columns.is_empty() && alias.at.is_none() => {
                self.put(" AS ");
                self.name(&alias.name.value);
                Ok(())
            }
            Some(_) => refuse("an alias is a name alone"),
        }
    }

    fn order(&mut self, order: &OrderBy) -> Result<(), SqlError> {
        if order.interpolate.is_some() {
            return refuse("INTERPOLATE is not allowed");
        }
        self.put(" ORDER BY ");
        match &order.kind {
            OrderByKind::All(options) => {
                self.put("ALL");
                self.direction(options)
            }
            OrderByKind::Expressions(by) => self.by(by),
        }
    }

    /// Expressions to order by.
    pub(super) fn by(&mut self, by: &[OrderByExpr]) -> Result<(), SqlError> {
        self.list(by, ", ", |w, by| {
            if by.with_fill.is_some() {
                return refuse("WITH FILL is not allowed");
            }
            w.expr(&by.expr)?;
            w.direction(&by.options)
        })
    }

    fn direction(&mut self, options: &OrderByOptions) -> Result<(), SqlError> {
        self.put(match options.sort {
            None => "",
            Some(OrderBySort::Asc) => " ASC",
            Some(OrderBySort::Desc) => " DESC",
            Some(OrderBySort::Using(_)) => return refuse("ORDER BY takes ASC or DESC"),
        });
        self.put(match options.nulls_first {
            None => "",
            Some(true) => " NULLS FIRST",
            Some(false) => " NULLS LAST",
        });
        Ok(())
    }
}

fn odd_clauses(select: &Select) -> Result<(), SqlError> {
    let odd = !select.optimizer_hints.is_empty()
        || select.select_modifiers.is_some()
        || select.top.is_some()
        || select.exclude.is_some()
        || select.into.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || !select.named_window.is_empty()
        || select.value_table_mode.is_some();
    if odd {
        return refuse("only SELECT, FROM, WHERE, GROUP BY, HAVING and QUALIFY are allowed");
    }
    let from_first = !matches!(select.flavor, SelectFlavor::Standard);
    if from_first && select.from.is_empty() {
        return refuse("FROM without a table");
    }
    Ok(())
}

fn bare(options: &WildcardAdditionalOptions) -> Result<(), SqlError> {
    let odd = options.opt_ilike.is_some()
        || options.opt_exclude.is_some()
        || options.opt_except.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
        || options.opt_alias.is_some();
    if odd {
        return refuse("* stands alone");
    }
    Ok(())
}

/// How many rows, and how many are passed over.
fn limit(clause: Option<&LimitClause>) -> Result<(Option<u64>, Option<u64>), SqlError> {
    let number = |expr: &Expr| match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    let number = |expr| match number(expr) {
        Some(number) => Ok(Some(number)),
        None => refuse("LIMIT and OFFSET take a number"),
    };
    match clause {
        None => Ok((None, None)),
        Some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        }) if limit_by.is_empty() => {
            let most = limit.as_ref().map_or(Ok(None), number)?;
            let skip = offset.as_ref().map_or(Ok(None), |o| number(&o.value))?;
            Ok((most, skip))
        }
        Some(_) => refuse("write LIMIT n OFFSET m"),
    }
}

//! The keyword arguments of a case: typed access, and a record of what nobody asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::case::{Error, Result};

/// Keyword arguments under E3x's names. Nested objects are flattened: the keyword arguments of
/// `radial_fn` are `radial_kwargs.limit` and so on. `null` counts as absent.
#[derive(Debug)]
pub struct Args {
    values: BTreeMap<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Args {
    /// Reads a JSON object.
    pub fn parse(json: &str) -> Result<Self> {
        let value = serde_json::from_str(json).map_err(|error| format!("args: {error}"))?;
        let Value::Object(object) = value else {
            return Err(format!("args: expected a JSON object, received {value}").into());
        };
        let mut values = BTreeMap::new();
        flatten("", object, &mut values);
        Ok(Self {
            values,
            used: RefCell::default(),
        })
    }

    /// An argument, `None` if the case leaves it at its default.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.used.borrow_mut().insert(name.to_string());
        let Some(value) = self.values.get(name) else {
            return Ok(None);
        };
        match T::deserialize(value) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(format!("argument '{name}' = {value}: {error}").into()),
        }
    }

    /// An argument without default.
    pub fn required<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.get(name)?
            .ok_or_else(|| Error::from(format!("argument '{name}' is missing")))
    }

    /// An argument, or its default.
    pub fn or<T: DeserializeOwned>(&self, name: &str, default: T) -> Result<T> {
        Ok(self.get(name)?.unwrap_or(default))
    }

    /// All arguments of a nested object, under their own names.
    pub fn group(&self, name: &str) -> serde_json::Map<String, Value> {
        let prefix = format!("{name}.");
        let inner = |(key, value): (&String, &Value)| {
            let inner = key.strip_prefix(&prefix)?;
            self.used.borrow_mut().insert(key.clone());
            Some((inner.to_string(), value.clone()))
        };
        self.values.iter().filter_map(inner).collect()
    }

    /// Overwrites `target` if the case has the argument.
    pub fn set<T: DeserializeOwned>(&self, name: &str, target: &mut T) -> Result<()> {
        if let Some(value) = self.get(name)? {
            *target = value;
        }
        Ok(())
    }

    /// Overwrites an optional `target` if the case has the argument.
    pub fn set_some<T: DeserializeOwned>(&self, name: &str, target: &mut Option<T>) -> Result<()> {
        if let Some(value) = self.get(name)? {
            *target = Some(value);
        }
        Ok(())
    }

    /// Arguments that nobody asked for.
    pub fn unused(&self) -> Vec<&str> {
        let used = self.used.borrow();
        let names = self.values.keys().filter(|name| !used.contains(*name));
        names.map(String::as_str).collect()
    }
}

fn flatten(
    prefix: &str,
    object: serde_json::Map<String, Value>,
    values: &mut BTreeMap<String, Value>,
) {
    for (name, value) in object {
        match value {
            Value::Null => {}
            Value::Object(inner) => flatten(&format!("{prefix}{name}."), inner, values),
            value => drop(values.insert(format!("{prefix}{name}"), value)),
        }
    }
}

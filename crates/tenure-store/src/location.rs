//! Where a store lives: a data folder, or a PostgreSQL database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Where a store lives. Shown without its password.
#[derive(Clone)]
pub enum Location {
    /// A folder that holds `tenure.sqlite`.
    Folder(PathBuf),
    /// A PostgreSQL database, version 15 or later.
    Postgres(Box<PgConnectOptions>),
}

/// A location that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// Nothing was given.
    #[error("the store's location is empty; give a data folder or a postgres:// address")]
    Empty,
    /// An address of some other database.
    #[error("{scheme}:// is no store; give a data folder or a postgres:// address")]
    Scheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// A `postgres://` address that cannot be parsed. The address itself may hold a password and is not repeated.
    #[error("the postgres:// address cannot be read: {0}")]
    Address(sqlx::Error),
}

impl Location {
    /// The store in this data folder.
    pub fn folder(path: impl Into<PathBuf>) -> Location {
        Location::Folder(path.into())
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Location, LocationError> {
        match text.split_once("://") {
            None if text.is_empty() => Err(LocationError::Empty),
            None => Ok(Location::folder(text)),
            Some(("postgres" | "postgresql", _)) => text
                .parse()
                .map(|options| Location::Postgres(Box::new(options)))
                .map_err(LocationError::Address),
            Some((scheme, _)) => Err(LocationError::Scheme { scheme: scheme.to_owned() }),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(path) => write!(f, "{}", path.display()),
            Location::Postgres(options) => {
                let host =
                    options.get_socket().map_or(options.get_host().into(), |socket| socket.to_string_lossy());
                let database = options.get_database().unwrap_or(options.get_username());
                write!(f, "postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let got = text.parse::<Location>().map(|l| l.to_string()).map_err(|e| e.to_string());
        assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn a_location_is_a_folder_or_a_postgres_address() {
        check("./data", Ok("./data"));
        check("postgres://ana:secret@db:6000/tenure", Ok("postgres://ana@db:6000/tenure"));
        check("postgresql://ana@%2Ftmp%2Fpg/tenure", Ok("postgres://ana@/tmp/pg:5432/tenure"));
        check("", Err("the store's location is empty; give a data folder or a postgres:// address"));
        check("mysql://db", Err("mysql:// is no store; give a data folder or a postgres:// address"));
        check(
            "postgres://db:port",
            Err("the postgres:// address cannot be read: error with configuration: invalid port number"),
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        let location: Location = "postgres://ana:secret@db/tenure".parse().unwrap();
        assert!(!format!("{location} {location:?}").contains("secret"));
    }
}

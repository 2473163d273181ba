//! Distributions and special functions, to the last digits.

use tenure_stats::{anytime, normal, special, student};

use crate::Method;
use crate::case::{Found, json};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "normal_sf" => |case| Found::exact(json(normal::sf(case.number("x")))),
        "normal_cdf" => |case| Found::exact(json(normal::cdf(case.number("x")))),
        "normal_ppf" => |case| Found::exact(json(normal::ppf(case.number("p")))),
        "normal_isf" => |case| Found::exact(json(normal::isf(case.number("p")))),
        "normal_logcdf" => |case| Found::exact(json(normal::ln_cdf(case.number("x")))),
        "t_isf" => |case| Found::exact(json(student::isf(case.number("p"), case.number("df")))),
        "t_cdf" => |case| Found::exact(json(student::cdf(case.number("t"), case.number("df")))),
        "t_sf" => |case| Found::exact(json(student::sf(case.number("t"), case.number("df")))),
        "t_ppf" => |case| Found::exact(json(student::ppf(case.number("p"), case.number("df")))),
        "chi2_sf" => {
            |case| Found::exact(json(special::gamma_upper(0.5 * case.number("df"), 0.5 * case.number("x"))))
        }
        "chi2_cdf" => {
            |case| Found::exact(json(special::gamma_lower(0.5 * case.number("df"), 0.5 * case.number("x"))))
        }
        "gammainc_lower_reg" => {
            |case| Found::exact(json(special::gamma_lower(case.number("a"), case.number("x"))))
        }
        "betainc_reg" => {
            |case| Found::exact(json(special::beta_inc(case.number("a"), case.number("b"), case.number("x"))))
        }
        "gammainc_upper_reg" => {
            |case| Found::exact(json(special::gamma_upper(case.number("a"), case.number("x"))))
        }
        "lgamma" => |case| Found::exact(json(special::ln_gamma(case.number("x")))),
        "cs_optimal_x_exact" => {
            |case| Found::exact(json(anytime::optimal_x(case.number("alpha")).unwrap_or(f64::NAN)))
        }
        "cs_optimal_x_approx" => |case| {
            Found::exact(json(anytime::optimal_x_approximate(case.number("alpha")).unwrap_or(f64::NAN)))
        },
        _ => return None,
    })
}

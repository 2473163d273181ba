//! Least squares on rows of data, with errors that hold without equal variances and within clusters. For data
//! small enough to be at hand; large data come as moments ([`crate::cuped`]).

use crate::cannot_say::{CannotSay, finite};

/// Which leverage correction a heteroskedasticity-consistent variance uses [MacKinnon, White 1985].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Robust {
    /// Equal variances assumed: no correction at all.
    Classic,
    /// White's own.
    Hc0,
    /// Times `n/(n − k)`.
    Hc1,
    /// Residuals over `1 − h`: unbiased under equal variances; the default.
    Hc2,
    /// Residuals over `(1 − h)²`.
    Hc3,
}

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The coefficients.
    pub beta: Vec<f64>,
    rows: Vec<Vec<f64>>,
    residuals: Vec<f64>,
    /// `(X'X)⁻¹`, row by row.
    bread: Vec<Vec<f64>>,
}

/// Fits `y` on the columns of `rows`.
///
/// Errors: lengths that differ, no more rows than columns, columns that determine each other, values that are
/// not finite.
///
/// ```
/// use tenure_stats::regression::{fit, Robust};
///
/// let rows = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]].map(Vec::from);
/// let fit = fit(&rows, &[1.0, 3.1, 4.9, 7.0])?;
/// assert!((fit.beta[1] - 1.98).abs() < 1e-12);
/// assert!(fit.se(1, Robust::Hc2)? < 0.05);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn fit(rows: &[Vec<f64>], y: &[f64]) -> Result<Fit, CannotSay> {
    let k = rows.first().map_or(0, Vec::len);
    if k == 0 || rows.len() != y.len() || rows.len() <= k || rows.iter().any(|row| row.len() != k) {
        return Err(CannotSay::OutOfRange);
    }
    for &value in rows.iter().flatten().chain(y) {
        finite(value)?;
    }
    let mut gram = vec![vec![0.0; k]; k];
    let mut moment = vec![0.0; k];
    for (row, &y) in rows.iter().zip(y) {
        for i in 0..k {
            moment[i] += row[i] * y;
            for j in 0..k {
                gram[i][j] += row[i] * row[j];
            }
        }
    }
    let bread = inverse(&gram)?;
    let beta: Vec<f64> = bread.iter().map(|row| dot(row, &moment)).collect();
    let residuals = rows.iter().zip(y).map(|(row, y)| y - dot(row, &beta)).collect();
    Ok(Fit { beta, rows: rows.to_vec(), residuals, bread })
}

impl Fit {
    /// Rows less coefficients.
    pub fn df(&self) -> f64 {
        (self.rows.len() - self.beta.len()) as f64
    }

    /// The standard error of a coefficient.
    ///
    /// # Panics
    /// When there is no such coefficient.
    pub fn se(&self, coefficient: usize, robust: Robust) -> Result<f64, CannotSay> {
        let squares = |residual: &f64| residual * residual;
        if robust == Robust::Classic {
            let sigma = self.residuals.iter().map(squares).sum::<f64>() / self.df();
            return finite((sigma * self.bread[coefficient][coefficient]).sqrt());
        }
        let part = |(row, residual): (&Vec<f64>, &f64)| {
            let influence = dot(&self.bread[coefficient], row);
            let leverage =
                self.bread.iter().zip(row).map(|(bread, value)| dot(bread, row) * value).sum::<f64>();
            let kept = 1.0 - leverage;
            let scale = match robust {
                Robust::Hc2 => kept,
                Robust::Hc3 => kept * kept,
                _ => 1.0,
            };
            squares(&influence) * squares(residual) / scale
        };
        let meat: f64 = self.rows.iter().zip(&self.residuals).map(part).sum();
        let factor = if robust == Robust::Hc1 { self.rows.len() as f64 / self.df() } else { 1.0 };
        finite((factor * meat).sqrt())
    }

    /// The variance of a coefficient in units of the residual variance: the diagonal of `(X'X)⁻¹`.
    ///
    /// # Panics
    /// When there is no such coefficient.
    pub fn unscaled_variance(&self, coefficient: usize) -> f64 {
        self.bread[coefficient][coefficient]
    }

    /// The standard error of a coefficient when rows of one cluster belong together; `cluster` names the
    /// cluster of each row. With `corrected`, times `G/(G−1)·(n−1)/(n−k)` (as Stata has it).
    ///
    /// # Panics
    /// When there is no such coefficient.
    pub fn cluster_se(&self, coefficient: usize, cluster: &[u64], corrected: bool) -> Result<f64, CannotSay> {
        if cluster.len() != self.rows.len() {
            return Err(CannotSay::OutOfRange);
        }
        let mut scores = std::collections::BTreeMap::<u64, f64>::new();
        for ((row, residual), cluster) in self.rows.iter().zip(&self.residuals).zip(cluster) {
            *scores.entry(*cluster).or_default() += dot(&self.bread[coefficient], row) * residual;
        }
        let groups = scores.len() as f64;
        if groups < 2.0 {
            return Err(CannotSay::OneUnit);
        }
        let meat: f64 = scores.values().map(|score| score * score).sum();
        let rows = self.rows.len() as f64;
        let factor = if corrected { groups / (groups - 1.0) * (rows - 1.0) / self.df() } else { 1.0 };
        finite((factor * meat).sqrt())
    }
}

/// The rows of Lin's interacted regression: intercept, treatment, the covariates centred at their pooled
/// means, and each of those times treatment; the effect is coefficient 1 [Lin 2013]. A covariate that is
/// missing for some units enters as 0, beside an indicator of missing as one more covariate [Zhao, Ding 2022].
pub fn lin_rows(treated: &[f64], covariates: &[&[f64]]) -> Result<Vec<Vec<f64>>, CannotSay> {
    if covariates.iter().any(|covariate| covariate.len() != treated.len()) {
        return Err(CannotSay::OutOfRange);
    }
    let centres: Vec<f64> =
        covariates.iter().map(|covariate| covariate.iter().sum::<f64>() / covariate.len() as f64).collect();
    let row = |(unit, &treated): (usize, &f64)| {
        let centred: Vec<f64> =
            covariates.iter().zip(&centres).map(|(covariate, centre)| covariate[unit] - centre).collect();
        let interacted: Vec<f64> = centred.iter().map(|value| value * treated).collect();
        [vec![1.0, treated], centred, interacted].concat()
    };
    Ok(treated.iter().enumerate().map(row).collect())
}

/// The inverse of a symmetric positive matrix, by Gauss–Jordan with pivoting on its scaled form.
fn inverse(matrix: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, CannotSay> {
    let k = matrix.len();
    let scale: Vec<f64> = (0..k).map(|at| matrix[at][at].sqrt()).collect();
    if scale.iter().any(|scale| *scale <= 0.0) {
        return Err(CannotSay::Collinear);
    }
    let mut work: Vec<Vec<f64>> = (0..k)
        .map(|row| {
            let left = (0..k).map(|column| matrix[row][column] / (scale[row] * scale[column]));
            left.chain((0..k).map(|column| if row == column { 1.0 } else { 0.0 })).collect()
        })
        .collect();
    for column in 0..k {
        let larger = |a: &usize, b: &usize| work[*a][column].abs().total_cmp(&work[*b][column].abs());
        let pivot = (column..k).max_by(larger).unwrap_or(column);
        if work[pivot][column].abs() < 1e-13 {
            return Err(CannotSay::Collinear);
        }
        work.swap(column, pivot);
        let divisor = work[column][column];
        work[column].iter_mut().for_each(|value| *value /= divisor);
        let pivot_row = work[column].clone();
        for (row, values) in work.iter_mut().enumerate() {
            let factor = values[column];
            if row != column && factor != 0.0 {
                values.iter_mut().zip(&pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    let unscaled =
        |row: usize| (0..k).map(|column| work[row][k + column] / (scale[row] * scale[column])).collect();
    Ok((0..k).map(unscaled).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_fitted() {
        let rows = vec![vec![1.0, 2.0], vec![1.0, 2.0], vec![1.0, 2.0]];
        assert_eq!(fit(&rows, &[1.0, 2.0, 3.0]), Err(CannotSay::Collinear));
        assert_eq!(fit(&rows[..2], &[1.0, 2.0]), Err(CannotSay::OutOfRange));
        assert_eq!(fit(&rows, &[1.0, 2.0, f64::NAN]), Err(CannotSay::NonFinite));
    }

    #[test]
    fn clusters_of_one_are_no_clusters() {
        let rows: Vec<Vec<f64>> = (0..6).map(|at| vec![1.0, f64::from(at % 2)]).collect();
        let fit = fit(&rows, &[1.0, 3.0, 2.0, 5.0, 1.5, 3.5]).unwrap();
        let alone = fit.cluster_se(1, &[0, 1, 2, 3, 4, 5], false).unwrap();
        assert!((alone - fit.se(1, Robust::Hc0).unwrap()).abs() < 1e-12);
        assert_eq!(fit.cluster_se(1, &[7; 6], false), Err(CannotSay::OneUnit));
    }

    #[test]
    fn without_covariates_hc2_is_welch() {
        let rows: Vec<Vec<f64>> = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0].iter().map(|&t| vec![1.0, t]).collect();
        let y = [1.0, 4.0, 2.0, 8.0, 3.0, 5.0, 9.0];
        let arm = |range: std::ops::Range<usize>| {
            let moments: crate::moments::Moments = y[range].iter().copied().collect();
            moments.variance().unwrap() / moments.n() as f64
        };
        let welch = (arm(0..3) + arm(3..7)).sqrt();
        assert!((fit(&rows, &y).unwrap().se(1, Robust::Hc2).unwrap() - welch).abs() < 1e-12);
    }
}

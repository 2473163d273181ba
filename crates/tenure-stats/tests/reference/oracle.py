"""Writes cases/*.json: values of this crate's formulas from other code than this crate's.

    python -m venv V && V/bin/pip install mpmath==1.4.1 scipy==1.17.1 statsmodels==0.15.0 numpy==2.4.6
    V/bin/python crates/tenure-stats/tests/reference/oracle.py

Where a closed form is used in the crate, the value here comes from what the form stands for: a mixture by quadrature, a bound
by a root, a bound of several looks by nested integration, a variance by leaving units out or by a regression on rows.
"""

import json
import math
import os
import random
import sys
from fractions import Fraction

import mpmath as mp
import numpy as np
import scipy
import scipy.stats as st
import statsmodels
import statsmodels.api as sm
from scipy.optimize import brentq, minimize_scalar
from statsmodels.stats import meta_analysis as sm_meta
from statsmodels.stats import multitest, power as sm_power, proportion as sm_prop

mp.mp.dps = 50
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
VERSIONS = {"mpmath": mp.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__,
            "numpy": np.__version__}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(part) for part in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating, mp.mpf)):
        value = float(value)
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    return value


class File:
    """One file of cases."""

    def __init__(self, name, source, tolerance):
        self.name, self.source, self.tolerance, self.cases = name, source, tolerance, []

    def add(self, method, given, expected, tolerance=None):
        case = {"id": f"{self.name}-{method}-{len(self.cases):03d}", "method": method,
                "input": plain(given), "expected": plain(expected)}
        if tolerance is not None:
            case["tolerance"] = tolerance
        self.cases.append(case)

    def write(self):
        meta = {"source": self.source, "versions": VERSIONS, "generator": "oracle.py",
                "suggested_tolerance": self.tolerance}
        lines = ",\n".join(json.dumps(case) for case in self.cases)
        with open(os.path.join(HERE, f"{self.name}.json"), "w") as out:
            out.write('{"meta": ' + json.dumps(meta) + ',\n"cases": [\n' + lines + "\n]}\n")
        print(self.name, len(self.cases))


# Distributions, to the last digits.

def normal_sf(x):
    return mp.erfc(mp.mpf(x) / mp.sqrt(2)) / 2


def t_sf(t, df):
    t, df = mp.mpf(t), mp.mpf(df)
    half = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return half if t >= 0 else 1 - half


def distributions():
    file = File("distributions", "mpmath, 50 decimal digits", "relative 1e-12")
    with mp.workdps(60):
        for x in [-37, -30.5, -20, -8.3, -6, -2.5, -1, -0.1, -1e-9, 0, 1e-9, 0.3, 1, 1.96, 5, 9.5, 20, 33.3, 37, 38]:
            file.add("normal_sf", {"x": x}, normal_sf(x))
            file.add("normal_cdf", {"x": x}, normal_sf(-x))
            file.add("normal_logcdf", {"x": x}, mp.log(normal_sf(-x)) if x < 0 else mp.log1p(-normal_sf(x)))
        for p in [1e-300, 1e-200, 3e-100, 1e-30, 1e-16, 1e-9, 1e-4, 0.01, 0.02, 0.3, 0.49999, 0.5, 0.75, 0.999,
                  1 - 1e-12]:
            file.add("normal_ppf", {"p": p}, normal_quantile(p))
            file.add("normal_isf", {"p": p}, -normal_quantile(p))
        for df in [0.5, 1, 1.5, 2, 3, 4.7, 10, 29.3, 117, 1e3, 12345.6]:
            for t in [-1e6, -40, -3.1, -0.2, 1e-6, 0.5, 1.7320508, 2, 7.5, 37, 1e3, 1e8]:
                file.add("t_sf", {"t": t, "df": df}, t_sf(t, df))
                file.add("t_cdf", {"t": t, "df": df}, t_sf(-t, df))
            for p in [1e-250, 1e-30, 1e-12, 1e-5, 0.005, 0.2, 0.249, 0.251, 0.45, 0.5 + 1e-9, 0.8, 0.975, 1 - 1e-10]:
                file.add("t_ppf", {"p": p, "df": df}, t_quantile(p, df, t_sf))
        for df in [1e5, 1e6, 1e7, 3e8]:
            for t in [-37, -8, -1.2, 0.4, 1.96, 4, 12, 20, 37]:
                file.add("t_sf", {"t": t, "df": df}, t_sf(t, df))
        for df in [1e5, 1e7]:
            for p in [1e-200, 1e-30, 1e-9, 0.001, 0.1, 0.3, 0.6, 0.99, 1 - 1e-12]:
                file.add("t_ppf", {"p": p, "df": df}, t_quantile(p, df, t_sf))
        for df in [1, 2, 3, 7, 30, 400, 1e5]:
            for share in [1e-6, 0.1, 0.7, 1, 1.3, 2, 5]:
                x = df * share
                both = {"df": df, "x": x}
                upper = mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True) if df < 1e4 else \
                    gamma_upper_by_quadrature(mp.mpf(df) / 2, mp.mpf(x) / 2)
                if upper > 1e-290:
                    file.add("chi2_sf", both, upper, 1e-12 if df < 1e4 else 1e-11)
                if df < 1e4 and 1 - upper > 1e-60:
                    file.add("chi2_cdf", both, mp.gammainc(mp.mpf(df) / 2, 0, mp.mpf(x) / 2, regularized=True))
        for a, b, x in [(0.5, 0.5, 0.3), (2, 3, 0.1), (2, 3, 0.95), (40, 7, 0.8), (7, 40, 0.3), (300, 800, 0.25),
                        (300, 800, 0.3), (0.7, 90, 1e-5), (1500, 1500, 0.49), (1, 1, 0.42)]:
            file.add("betainc_reg", {"a": a, "b": b, "x": x},
                     mp.betainc(a, b, 0, mp.mpf(x), regularized=True))
    file.write()


def gamma_upper_by_quadrature(a, x):
    log_c = mp.loggamma(a)
    density = lambda u: mp.exp((a - 1) * mp.log(u) - u - log_c)
    sd = mp.sqrt(a)
    far = max(x, a) + 60 * sd
    points = sorted({x, far} | {point for point in [a + k * sd for k in range(-60, 60, 3)] if x < point < far})
    return mp.quad(density, points)


def normal_quantile(p):
    p = mp.mpf(p)
    if p > mp.mpf(1) / 2:
        return -normal_quantile(1 - p)
    if p == mp.mpf(1) / 2:
        return mp.mpf(0)
    start = mp.mpf(st.norm.ppf(float(p)))
    return mp.findroot(lambda z: mp.log(normal_sf(-z)) - mp.log(p), start)


def t_quantile(p, df, tail):
    p = mp.mpf(p)
    if p > mp.mpf(1) / 2:
        return -t_quantile(1 - p, df, tail)
    if p == mp.mpf(1) / 2:
        return mp.mpf(0)
    start = -mp.mpf(float(st.t.isf(float(p), float(df)))) if p > 1e-200 else None
    if start is None or not mp.isfinite(start):
        start = -mp.mpf(float(st.norm.isf(float(p)))) if df > 1e4 else \
            -mp.exp(-(mp.log(p) + mp.log(mp.mpf(df)) + mp.log(mp.beta(mp.mpf(df) / 2, mp.mpf(1) / 2)) -
                      mp.mpf(df) / 2 * mp.log(df)) / df)
    if df > 1e4:
        return -mp.findroot(lambda t: mp.log(tail(t, df)) - mp.log(p), (-start, -start * (1 + mp.mpf(10) ** -8)))
    log_t = mp.findroot(lambda u: mp.log(tail(mp.exp(u), df)) - mp.log(p),
                        (mp.log(-start), mp.log(-start) + mp.mpf(10) ** -6))
    return -mp.exp(log_t)


# Estimates from rows.

def welch(control, treatment):
    """Value, standard error and degrees of freedom from (value, se, n) of two arms."""
    (vc, sc, nc), (vt, s_t, nt) = control, treatment
    se2 = sc ** 2 + s_t ** 2
    return vt - vc, math.sqrt(se2), se2 ** 2 / (sc ** 4 / (nc - 1) + s_t ** 4 / (nt - 1))


def ratio_by_influence(pairs):
    """The ratio of sums; its error from how it moves when each unit's weight does (infinitesimal jackknife)."""
    pairs = np.asarray(pairs, dtype=float)
    n = len(pairs)
    ratio = pairs[:, 0].sum() / pairs[:, 1].sum()
    influence = []
    for unit in pairs:
        # The exact derivative by a complex step.
        weight = 1e-30j
        moved = (pairs[:, 0].sum() + weight * unit[0]) / (pairs[:, 1].sum() + weight * unit[1])
        influence.append(moved.imag / 1e-30)
    influence = np.array(influence)
    return ratio, math.sqrt((influence ** 2).sum() * n / (n - 1)), n


def estimates():
    file = File("estimates", "numpy and statsmodels on rows; infinitesimal jackknife", "relative 1e-10")
    rng = np.random.default_rng(20_250_101)
    for size, slope in [(6, -2.0), (40, -0.9), (41, 3.0), (300, -5.0), (300, 0.0)]:
        arms = {}
        for name, extra in [("control", 0.0), ("treatment", 0.4)]:
            d = rng.poisson(4, size) + rng.integers(0, 2, size) + (0.5 if slope < 0 else 0.0)
            m = 30 + slope * d + rng.normal(extra, 2.0, size)
            arms[name] = np.round(np.column_stack([m, d]), 3)
        c, t = ratio_by_influence(arms["control"]), ratio_by_influence(arms["treatment"])
        value, se, df = welch(c, t)
        log_se = math.hypot(c[1] / c[0], t[1] / t[0])
        file.add("ratio_from_rows", arms, {
            "covariance_below_zero": bool(np.cov(arms["control"].T)[0, 1] < 0),
            "control": {"value": c[0], "se": c[1]}, "treatment": {"value": t[0], "se": t[1]},
            "difference": value, "se": se, "df": df, "log_ratio": math.log(t[0] / c[0]), "log_se": log_se})

    # Newcombe and its companions at the gate's edges, and the gate itself.
    for nc, xc, nt, xt in [(1000, 9, 1000, 10), (1000, 10, 1000, 10), (200, 0, 210, 0), (200, 0, 210, 4), (35, 35, 36, 30),
                           (35, 25, 36, 26), (10, 1, 9, 8), (1_000_000, 10, 900_000, 9), (7, 3, 400, 390), (2, 1, 2, 2)]:
        interval = lambda method: list(sm_prop.confint_proportions_2indep(xt, nt, xc, nc, method=method, compare="diff"))
        pooled = (xc + xt) / (nc + nt)
        spread = math.sqrt(pooled * (1 - pooled) * (1 / nc + 1 / nt))
        pc, pt = xc / nc, xt / nt
        ratio = None
        if xc and xt:
            half = 1.959963984540054 * math.sqrt((1 - pc) / xc + (1 - pt) / xt)
            ratio = [math.exp(math.log(pt / pc) - half), math.exp(math.log(pt / pc) + half)]
        file.add("prop_two_sample_cis", {"n_control": nc, "x_control": xc, "n_treatment": nt, "x_treatment": xt}, {
            "newcomb": interval("newcomb"), "agresti-caffo": interval("agresti-caffo"),
            "score_p_pooled": None if spread == 0 else 2 * st.norm.sf(abs(pt - pc) / spread),
            "ratio_log_ci": ratio, "wilson_control": list(sm_prop.proportion_confint(xc, nc, method="wilson"))})
        file.add("proportion_gate", {"n": nc, "x": xc}, {"below": bool(min(xc, nc - xc) < 10)})
        file.add("proportion_gate", {"n": nt, "x": xt}, {"below": bool(min(xt, nt - xt) < 10)})

    # Lin's regression, allocation 3:1, a third of the covariate missing; from rows and from moments.
    for size, missing_share, seed in [(60, 0.3, 1), (200, 0.0, 2), (333, 0.5, 3)]:
        rng = np.random.default_rng(seed)
        treat = (np.arange(size) % 4 == 0).astype(float)
        x = np.round(rng.gamma(2.0, 3.0, size), 3)
        missing = (rng.random(size) < missing_share).astype(float)
        y = np.round(2 + 0.7 * x + treat * (1 + 0.4 * x) + rng.normal(0, 2, size), 4)
        filled = np.where(missing == 1, 0.0, x)
        columns = [filled, missing] if missing_share else [filled]
        given = {"y": y, "treat": treat, "x": filled} | ({"missing_indicator": missing} if missing_share else {})
        centred = [column - column.mean() for column in columns]
        rows = np.column_stack([np.ones(size), treat] + centred + [treat * column for column in centred])
        fit = sm.OLS(y, rows).fit()
        additive = sm.OLS(y, rows[:, :2 + len(columns)]).fit()
        file.add("lin_regression_adjustment", given, {
            "ate": fit.params[1], "HC0": fit.HC0_se[1], "HC1": fit.HC1_se[1], "HC2": fit.HC2_se[1],
            "HC3": fit.HC3_se[1], "se_classic": fit.bse[1], "ancova_ate": additive.params[1],
            "ancova_HC1": additive.HC1_se[1]}, 1e-9)
        level = {}
        for arm, name in [(0, "control"), (1, "treatment")]:
            own = treat == arm
            design = np.column_stack([np.ones(own.sum())] + [column[own] for column in columns])
            at = np.array([[1.0] + [column.mean() for column in columns]])
            told = sm.OLS(y[own], design).fit().get_prediction(at)
            level[name] = {"value": told.predicted_mean[0], "se": told.se_mean[0]}
        file.add("lin_from_moments", given, level | {
            "ate": fit.params[1], "se": math.hypot(level["control"]["se"], level["treatment"]["se"])}, 1e-9)

    # CUPED from moments: the slope over all units is that of a regression on them.
    for seed in [5, 6]:
        rng = np.random.default_rng(seed)
        x = np.round(rng.normal(10, 4, 120), 3)
        treat = (np.arange(120) % 2).astype(float)
        y = np.round(3 + 0.9 * x + 0.5 * treat + rng.normal(0, 1.5, 120), 4)
        theta = sm.OLS(y, sm.add_constant(x)).fit().params[1]
        adjusted = y - theta * (x - x.mean())
        arm = lambda which: adjusted[treat == which]
        side = lambda which: (arm(which).mean(), arm(which).std(ddof=1) / math.sqrt(len(arm(which))), len(arm(which)))
        told = st.ttest_ind(arm(1), arm(0), equal_var=False)
        file.add("cuped_from_rows", {"y": y, "treat": treat, "x": x}, {
            "theta": theta, "control": side(0)[0], "treatment": side(1)[0], "se": welch(side(0), side(1))[1],
            "p_value": told.pvalue}, 1e-9)

    # A quantile of clustered rows: the error of the share below it from a clustered regression on a constant.
    for seed, p in [(7, 0.5), (8, 0.9)]:
        rng = np.random.default_rng(seed)
        of_row = np.repeat(np.arange(80), rng.poisson(4, 80) + 1)
        values = np.round(np.exp(rng.normal(0, 0.6, len(of_row)) + rng.normal(0, 0.5, 80)[of_row]), 6)
        ordered = np.sort(values)
        quantile = ordered[math.ceil(p * len(values)) - 1]
        fit = sm.OLS((values <= quantile).astype(float), np.ones(len(values))).fit(
            cov_type="cluster", cov_kwds={"groups": of_row, "use_correction": False})
        sigma = fit.bse[0] * math.sqrt(80 / 79)
        half = 1.959963984540054 * sigma
        lower, upper = math.floor(len(values) * (p - half)), math.ceil(len(values) * (p + half)) + 1
        file.add("quantile_of_clusters", {"values": values, "cluster": of_row, "p": p, "alpha": 0.05}, {
            "quantile": quantile, "sigma": sigma, "lower_rank_1based": lower, "upper_rank_1based": upper,
            "se": (ordered[upper - 1] - ordered[lower - 1]) / (2 * 1.959963984540054)})
    for n, p, alpha in [(37, 0.5, 0.05), (1000, 0.99, 0.05), (12_345, 0.9, 0.01), (250_000, 0.5, 0.001), (90, 0.02, 0.1)]:
        sigma = math.sqrt(p * (1 - p) / n)
        half = st.norm.isf(alpha / 2) * sigma
        file.add("quantile_outer_ci_ranks", {"n": n, "p": p, "alpha": alpha}, {
            "lower_rank_1based": math.floor(n * (p - half)), "upper_rank_1based": math.ceil(n * (p + half)) + 1,
            "sigma_p_iid": sigma, "exact_binom_lower": int(st.binom.ppf(alpha / 2, n, p)),
            "exact_binom_upper": int(st.binom.ppf(1 - alpha / 2, n, p)) + 1})

    # Tenants.
    for seed, count in [(9, 12), (10, 60)]:
        rng = np.random.default_rng(seed)
        sizes = {arm: rng.integers(1, 90, count) for arm in ("control", "treatment")}
        sums = {arm: np.round(sizes[arm] * rng.normal(3, 0.7, count), 2) for arm in sizes}
        side = {arm: ratio_by_influence(np.column_stack([sums[arm], sizes[arm]])) for arm in sizes}
        means = {arm: sums[arm] / sizes[arm] for arm in sizes}
        told = st.ttest_ind(means["treatment"], means["control"], equal_var=False)
        file.add("tenants", {"sizes": sizes, "sums": sums}, {
            "effective": {arm: float(sizes[arm].sum()) ** 2 / float((sizes[arm] ** 2).sum()) for arm in sizes},
            "user_mean": {arm: {"value": side[arm][0], "se": side[arm][1]} for arm in sizes},
            "tenant_mean_difference": means["treatment"].mean() - means["control"].mean(),
            "tenant_mean_t": told.statistic, "tenant_mean_p": told.pvalue, "tenant_mean_df": told.df})

    # Waves: stratified by epoch, and Cochran's Q from the meta-analysis of the epochs.
    for scale, epochs in [
        ("absolute", [[9000, 900, 9100, 980], [4000, 520, 4050, 600], [700, 66, 690, 80]]),
        ("absolute", [[50_000, 5000, 50_000, 5200]]),
        ("relative", [[9000, 900, 9100, 980], [4000, 520, 4050, 600], [1700, 166, 690, 80], [5000, 800, 5000, 650]]),
    ]:
        values, variances, weights = [], [], []
        for nc, xc, nt, xt in epochs:
            pc, pt = xc / nc, xt / nt
            if scale == "absolute":
                values.append(pt - pc)
                variances.append(pc * (1 - pc) / nc + pt * (1 - pt) / nt)
            else:
                values.append(math.log(pt / pc))
                variances.append((1 - pc) / xc + (1 - pt) / xt)
            weights.append(nc * nt / (nc + nt))
        weights = np.array(weights) / sum(weights)
        expected = {"value": float(weights @ values), "se": math.sqrt(float(weights ** 2 @ variances)), "weights": weights}
        if len(epochs) > 1:
            told = sm_meta.combine_effects(np.array(values), np.array(variances), method_re="dl")
            expected["q"] = {"statistic": told.q, "df": len(epochs) - 1, "p_value": st.chi2.sf(told.q, len(epochs) - 1)}
        file.add("waves", {"scale": scale, "epochs": epochs}, expected)

    # The effect by day: each unit's own slope and means over its days, compared between the arms.
    rng = np.random.default_rng(11)
    days = [1, 2, 3, 5, 8, 9]
    arms = {}
    for arm, fade in [("control", 0.0), ("treatment", -0.15)]:
        own = rng.normal(20, 3, 150)[:, None]
        arms[arm] = np.round(own + rng.normal(0, 1, (150, 6)) + (2 + fade * np.array(days) if fade else 0), 3)
    slope = lambda rows: np.array([np.polyfit(days, row, 1)[0] for row in rows])
    late = lambda rows: rows[:, 4:].mean(axis=1)
    early = lambda rows: rows[:, :4].mean(axis=1)
    compare = lambda of: (of(arms["treatment"]).mean() - of(arms["control"]).mean(),
                          math.sqrt(of(arms["treatment"]).var(ddof=1) / 150 + of(arms["control"]).var(ddof=1) / 150))
    tell = lambda of: dict(zip(("value", "se"), compare(of)))
    z = st.norm.isf((1 - 0.95 ** (1 / 6)) / 2)
    by_day = [compare(lambda rows, at=at: rows[:, at]) for at in range(6)]
    file.add("novelty", {"days": days, "rows": arms, "confidence": 0.95, "simultaneous": True, "counts_from": 8}, {
        "trend": tell(slope), "counted": tell(late), "before": tell(early),
        "trend_p": 2 * st.norm.sf(abs(compare(slope)[0] / compare(slope)[1])),
        "intervals": [[value - z * se, value + z * se] for value, se in by_day]}, 1e-8)
    file.write()


# Bounds that may be looked at any time.

def mixture_log_e(z, x, one_sided=False):
    """The likelihood ratio over a normal prior of variance x (in squared standard errors), by quadrature."""
    z, x = mp.mpf(z), mp.mpf(x)
    sd = mp.sqrt(x)
    peak = z * x / (1 + x)
    width = mp.sqrt(x / (1 + x))
    top = peak * z - peak ** 2 / 2 - peak ** 2 / (2 * x)
    integrand = lambda theta: mp.exp(theta * z - theta ** 2 / 2 - theta ** 2 / (2 * x) - top) / (sd * mp.sqrt(2 * mp.pi))
    low = 0 if one_sided else peak - 45 * width
    if one_sided and peak < 0:
        # The mass lies next to zero.
        width_here = min(width, 1 / abs(z)) if z else width
        points = [mp.mpf(0)] + [width_here * k for k in (1, 3, 8, 20, 50, 120)]
        top_here = mp.mpf(0)
        integrand = lambda theta: mp.exp(theta * z - theta ** 2 / 2 - theta ** 2 / (2 * x)) / (sd * mp.sqrt(2 * mp.pi))
        return mp.log(2 * mp.quad(integrand, points)) + top_here
    points = sorted({low} | {peak + k * width for k in (-30, -10, -4, 0, 4, 10, 30, 45) if peak + k * width > low})
    total = mp.quad(integrand, points)
    return mp.log(total * (2 if one_sided else 1)) + top


def anytime():
    file = File("anytime", "mpmath: mixtures of likelihood ratios by quadrature, bounds as their roots", "relative 1e-11")
    with mp.workdps(30):
        for z, x in [(0, 0.01), (0.5, 1), (1.96, 8.2), (-1.3, 4), (3.2, 0.2), (5, 1e-3), (8, 100), (2, 1e5), (-4, 30),
                     (0.1, 8.2), (12, 8.2)]:
            two, one = mixture_log_e(z, x), mixture_log_e(z, x, True)
            file.add("evalue", {"z": z, "x": x}, {
                "log_e_two_sided": two, "p_two_sided": min(mp.mpf(1), mp.exp(-two)),
                "log_e_one_sided_greater": one, "p_one_sided_greater": min(mp.mpf(1), mp.exp(-one))})
        for alpha in [0.2, 0.05, 0.01, 0.001]:
            for x in [0.05, 1, 8.2, 400]:
                se, tau2 = 0.3, 0.09 * x
                x = mp.mpf(tau2) / (mp.mpf(se) * mp.mpf(se))
                bound = lambda one: mp.findroot(
                    lambda z: mixture_log_e(z, x, one) + mp.log(mp.mpf(alpha)),
                    mp.sqrt((1 + x) / x * mp.log((1 + x) / mp.mpf(alpha) ** 2)) * (0.97 if one else 1.001))
                file.add("asymptotic_cs_information_form", {"alpha": alpha, "se": se, "tau2": tau2}, {
                    "x": x, "half_width_two_sided": mp.mpf(se) * bound(False),
                    "half_width_one_sided_exact": mp.mpf(se) * bound(True)})

        # The t-form: the density of t when its noncentrality is normal, over that when it is zero.
        def log_e_t(t, g, n, df):
            t, wide = mp.mpf(t), mp.sqrt(1 + mp.mpf(n) / mp.mpf(g))
            density = lambda u: -(mp.mpf(df) + 1) / 2 * mp.log(1 + u * u / df)
            return density(t / wide) - mp.log(wide) - density(t)

        for g, n, k in [(1, 8, 2), (2.5, 12, 2), (0.4, 20, 3), (10, 30, 2), (3, 40, 5), (1, 400, 2), (25, 5000, 2), (2, 100_000, 2)]:
            for t in [0.0, 0.7, 2.1, -3.4, 9]:
                log_e = log_e_t(t, g, n, n - k)
                file.add("avlm_pvalue", {"t": t, "g": g, "n": n, "n_coef": k},
                         {"log_e": log_e, "p": min(mp.mpf(1), mp.exp(-log_e))})
            for alpha in [0.2, 0.05, 0.01]:
                # Above every t the e-value tends to ((g+n)/g)^(df/2): with too few units no t is enough.
                reaches = (mp.mpf(n - k) / 2) * mp.log(1 + mp.mpf(n) / mp.mpf(g)) > -mp.log(mp.mpf(alpha))
                radius = mp.inf
                if reaches:
                    low, high = mp.mpf(0), mp.mpf(1)
                    while log_e_t(high, g, n, n - k) < -mp.log(mp.mpf(alpha)):
                        high *= 2
                    for _ in range(110):
                        middle = (low + high) / 2
                        if log_e_t(middle, g, n, n - k) < -mp.log(mp.mpf(alpha)):
                            low = middle
                        else:
                            high = middle
                    radius = high
                file.add("avlm_radius", {"g": g, "n": n, "n_coef": k, "alpha": alpha}, {
                    "t_radius": radius,
                    "z_radius": mp.findroot(lambda z: mixture_log_e(z, mp.mpf(n) / mp.mpf(g)) + mp.log(mp.mpf(alpha)),
                                            mp.sqrt((1 + mp.mpf(g) / n) * mp.log((1 + mp.mpf(n) / g) / mp.mpf(alpha) ** 2)) * 1.001)})

        # Where the interval is narrowest: by minimising its width.
        for alpha in [0.3, 0.05, 0.01, 0.001]:
            log_width2 = lambda u: (1 + mp.exp(-u)) * (mp.log1p(mp.exp(u)) - 2 * mp.log(mp.mpf(alpha)))
            u = mp.findroot(lambda u: mp.diff(log_width2, u), mp.log(8))
            at = 1234.5
            file.add("tuning", {"alpha": alpha, "optimise_at_n_or_information": at}, {
                "x_exact": mp.exp(u), "rho_exact": mp.sqrt(mp.exp(u) / mp.mpf(at)),
                "critical_z_at_optimum": mp.sqrt(log_width2(u)),
                "width_ratio_vs_fixed_at_optimum": mp.sqrt(log_width2(u)) / -normal_quantile(alpha / 2)}, 1e-10)

    # The sequential sample ratio: Dirichlet-multinomial over multinomial probability.
    for counts, shares, k in [([50, 50], [0.5, 0.5], 100), ([5234, 4766], [0.5, 0.5], 100), ([90, 10, 5], [0.8, 0.15, 0.05], 100),
                              ([120_000, 13_000], [0.9, 0.1], 100), ([0, 7], [0.5, 0.5], 100), ([3, 4, 5, 900], [1, 1, 1, 97], 20),
                              ([5_000_000, 5_003_000], [0.5, 0.5], 100)]:
        with mp.workdps(60):
            total = mp.fsum(shares)
            share = [mp.mpf(value) / total for value in shares]
            n = sum(counts)
            log_e = mp.loggamma(k) - mp.loggamma(k + n)
            for count, theta in zip(counts, share):
                log_e += mp.loggamma(k * theta + count) - mp.loggamma(k * theta) - count * mp.log(theta)
            expected = [n * float(theta) for theta in share]
            chi2 = st.chisquare(counts, expected)
        file.add("srm", {"counts": counts, "theta0": shares, "k": k}, {
            "chi2": chi2.statistic, "p_chi2": chi2.pvalue, "log_e": log_e, "p_sequential": min(mp.mpf(1), mp.exp(-log_e))}, 1e-9)

    # A guardrail.
    for direction, margin, value, se, count in [("increase", 0.01, -0.002, 0.002, 1), ("increase", 0.01, -0.02, 0.002, 3),
                                                ("decrease", 0.5, 0.3, 0.1, 2), ("decrease", 0.5, 0.9, 0.4, 1),
                                                ("increase", 0.02, -0.015, 0.004, 1), ("decrease", 0.02, -0.5, 0.004, 1)]:
        alpha = 0.05 / count
        se_plan = 1.3 * se
        with mp.workdps(30):
            log_width2 = lambda u: (1 + mp.exp(-u)) * (mp.log1p(mp.exp(u)) - 2 * mp.log(2 * mp.mpf(alpha)))
            tuned = mp.exp(mp.findroot(lambda u: mp.diff(log_width2, u), mp.log(8)))
            x = tuned * mp.mpf(se_plan) ** 2 / mp.mpf(se) ** 2
            gain = value if direction == "increase" else -value
            log_e = mixture_log_e((-mp.mpf(margin) - mp.mpf(gain)) / mp.mpf(se), x, True)
        low, high = gain - 1.6448536269514722 * se, gain + 1.6448536269514722 * se
        state = ("harmed" if log_e >= -math.log(alpha) else "worse" if high < 0 else "safe" if low > -margin else "open")
        file.add("guardrail", {"direction": direction, "margin": margin, "estimate": value, "se": se, "guardrails": count,
                               "se_plan": se_plan}, {
            "state": state, "bound": low if direction == "increase" else -low, "log_e_harm": log_e}, 1e-9)
    file.write()


# Several planned looks: nested integration, without a line of the crate's recursion.

NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


class Walk:
    """The density of the score, on a dense grid of the region where it has not stopped."""

    def __init__(self, drift=0.0, upper_only=False):
        self.drift, self.upper_only = drift, upper_only
        self.at, self.mass, self.t = np.array([0.0]), np.array([1.0]), 0.0

    def tail(self, t, score, side=1.0):
        step = t - self.t
        here = self.at + self.drift * step
        return float((self.mass * st.norm.sf((score - side * here) / math.sqrt(step))).sum())

    def bound(self, t, level):
        """The score beyond which `level` lies: the logarithm of the tail is smooth."""
        gap = lambda score: math.log(max(self.tail(t, score), 1e-300)) - math.log(level)
        return brentq(gap, -8.0, 20.0, xtol=1e-14, rtol=1e-15)

    def go(self, t, bound):
        step = t - self.t
        low = -bound if not self.upper_only else min(self.drift * t, 0) - 12 * math.sqrt(t)
        pieces = max(2, math.ceil((bound - low) / (2.0 * math.sqrt(step))))
        edges = np.linspace(low, bound, pieces + 1)
        half = (edges[1] - edges[0]) / 2
        at = (edges[:-1, None] + half + half * NODES[None, :]).ravel()
        weight = np.tile(half * WEIGHTS, pieces)
        off = (at[:, None] - self.at[None, :] - self.drift * step) / math.sqrt(step)
        density = np.exp(-0.5 * off * off) @ self.mass / math.sqrt(2 * math.pi * step)
        self.at, self.mass, self.t = at, density * weight, t


SPENDING = {
    "obf": lambda a, t, _: 2 * st.norm.sf(st.norm.isf(a / 2) / math.sqrt(t)),
    "pocock": lambda a, t, _: a * math.log(1 + (math.e - 1) * t),
    "power": lambda a, t, rho: a * t ** rho,
    "hsd": lambda a, t, gamma: a * t if gamma == 0 else a * (1 - math.exp(-gamma * t)) / (1 - math.exp(-gamma)),
}


def planned_bounds(spending, parameter, alpha, fractions, upper_only=False):
    walk, spent, bounds, levels = Walk(upper_only=upper_only), 0.0, [], []
    for t in fractions:
        level = alpha if t >= 1 else SPENDING[spending](alpha, t, parameter)
        levels.append(level)
        if level - spent < 1e-17:
            bounds.append(None)
            continue
        score = walk.bound(t, level - spent)
        walk.go(t, score)
        spent = level
        bounds.append(score / math.sqrt(t))
    return bounds, levels


def exits(fractions, bounds, drift, upper_only=False):
    walk, above, below = Walk(drift, upper_only), [], []
    for t, z in zip(fractions, bounds):
        if z is None:
            above.append(0.0)
            below.append(0.0)
            continue
        above.append(walk.tail(t, z * math.sqrt(t)))
        below.append(0.0 if upper_only else walk.tail(t, z * math.sqrt(t), -1.0))
        walk.go(t, z * math.sqrt(t))
    return above, below


FAMILIES = [("obf", None), ("pocock", None), ("power", 0.5), ("power", 1.0), ("power", 3.0), ("hsd", -8.0), ("hsd", -4.0),
            ("hsd", 0.0), ("hsd", 2.5)]
LOOKS = [[0.5, 1.0], [0.2, 0.4, 0.6, 0.8, 1.0], [0.05, 0.07, 0.5, 0.52, 0.9, 1.0], [0.31, 0.86]]


def group_sequential():
    file = File("group_sequential", "nested integration by 24-point Gauss-Legendre pieces (numpy), bounds by bisection", 1e-8)
    for family, parameter in FAMILIES:
        for fractions in LOOKS:
            for alpha, upper_only in [(0.025, False), (0.02, True)]:
                bounds, levels = planned_bounds(family, parameter, alpha, fractions, upper_only)
                given = {"spending": family, "alpha_per_side": alpha, "information_fractions": fractions,
                         "two_sided_symmetric": not upper_only}
                if parameter is not None:
                    given["spending_par"] = parameter
                file.add("lan_demets_bounds", given, {
                    "z": [z if z is None or z < 7.5 else None for z in bounds],
                    "cumulative_alpha_per_side": levels})
        bounds, _ = planned_bounds(family, parameter, 0.025, LOOKS[1])
        for drift in [0.0, 1.5, 2.8, -0.7]:
            above, below = exits(LOOKS[1], bounds, drift)
            file.add("gst_exit_probs", {"information_fractions": LOOKS[1], "z": bounds, "drift": drift},
                     {"upper": above, "lower": below})
        for fractions, alpha, power in [(LOOKS[0], 0.025, 0.8), (LOOKS[1], 0.02, 0.9)]:
            bounds, _ = planned_bounds(family, parameter, alpha, fractions)
            drift = brentq(lambda drift: sum(exits(fractions, bounds, drift)[0]) - power, 0.5, 6.0, xtol=1e-12)
            fixed = st.norm.isf(alpha) + st.norm.ppf(power)
            inflation = (drift / fixed) ** 2
            above, below = exits(fractions, bounds, drift)
            null_above, null_below = exits(fractions, bounds, 0.0)
            information = lambda up, down: inflation * (
                sum(t * (u + d) for t, u, d in zip(fractions, up, down)) + fractions[-1] * (1 - sum(up) - sum(down)))
            given = {"spending": family, "alpha_per_side": alpha, "information_fractions": fractions, "power": power}
            if parameter is not None:
                given["spending_par"] = parameter
            file.add("gst_power", given, {
                "z": bounds, "drift": drift, "inflation_vs_fixed": inflation, "cumulative_power_upper": np.cumsum(above),
                "expected_information_H1_vs_fixed": information(above, below),
                "expected_information_H0_vs_fixed": information(null_above, null_below),
                "type1": sum(null_above) + sum(null_below)})
    looks(file)
    file.write()


def looks(file):
    """A whole measurement, look by look: planned bound, forever bound, the tighter one, the verdict, the p-value."""
    for name, se_plan, units, path in [
        ("slow winner", 0.01, 4000, [(0.002, 0.030), (0.012, 0.022), (0.018, 0.016), (0.021, 0.0125), (0.025, 0.0105)]),
        ("nothing", 0.01, 4000, [(0.010, 0.025), (0.004, 0.016), (-0.003, 0.0121), (0.001, 0.0099), (0.002, 0.0085)]),
        ("loser after the plan", 0.01, 4000, [(-0.010, 0.02), (-0.012, 0.0095), (-0.015, 0.008), (-0.019, 0.0045)]),
        ("few tenants", 0.2, 9, [(0.31, 0.41), (0.52, 0.30), (0.71, 0.24), (0.80, 0.19)]),
    ]:
        alpha, forever = 0.02, 0.01
        with mp.workdps(30):
            log_width2 = lambda u: (1 + mp.exp(-u)) * (mp.log1p(mp.exp(u)) - 2 * mp.log(mp.mpf(forever)))
            tuned = mp.exp(mp.findroot(lambda u: mp.diff(log_width2, u), mp.log(10)))
        few = units < 20
        df = 2 * units - 2
        walk, spent, ended, latched, smallest, rows = Walk(), 0.0, False, None, 1.0, []
        for value, se in path:
            t = (se_plan / se) ** 2
            x = float(tuned) * (se_plan / se) ** 2
            z = value / se
            if few:
                wide = math.sqrt(1 + x)
                log_e_of = lambda u: st.t.logpdf(u / wide, df) - math.log(wide) - st.t.logpdf(u, df)
                low, high = 0.0, 1e6
                for _ in range(200):
                    middle = (low + high) / 2
                    low, high = (middle, high) if log_e_of(middle) < -math.log(forever) else (low, middle)
                critical_forever, log_e = high, log_e_of(z)
            else:
                critical_forever = math.sqrt((1 + x) / x * math.log((1 + x) / forever ** 2))
                log_e = z * z * x / (2 * (1 + x)) - math.log1p(x) / 2
            p = min(1.0, math.exp(-log_e)) / 0.2
            planned = None
            if not ended:
                level = alpha if t >= 1 else SPENDING["obf"](alpha, t, None)
                score = walk.bound(t, level - spent)
                bound = score / math.sqrt(t)
                seen = st.norm.isf(st.t.sf(abs(z), df)) if few else abs(z)
                planned = st.t.isf(st.norm.sf(bound), df) if few else bound
                if seen >= bound:
                    p = min(p, 2 * (spent + walk.tail(t, seen * math.sqrt(t))) / 0.8)
                walk.go(t, score)
                spent, ended = level, t >= 1
            critical = min(critical_forever, planned if planned is not None else math.inf)
            smallest = min(smallest, p)
            interval = [value - critical * se, value + critical * se]
            if latched is None:
                latched = "positive" if interval[0] > 0 else "negative" if interval[1] < 0 else None
            verdict = latched or ("not_significant" if ended else "immature")
            rows.append({"critical": critical, "interval": interval, "verdict": verdict, "p_value": smallest,
                         "information_fraction": (se_plan / min(s for _, s in path[:len(rows) + 1])) ** 2})
        file.add("look_path", {"name": name, "se_plan": se_plan, "units_per_arm": units, "path": path}, {"rows": rows}, 1e-7)


# Replication.

def conditional_moments(z, c):
    """Mean and standard deviation of the normalised likelihood of a selected z."""
    z, c = mp.mpf(z), mp.mpf(c)
    weight = lambda mu: mp.exp(-(mu - z) ** 2 / 2) / (normal_sf(c - mu) + normal_sf(c + mu))
    points = [z - c - 14] + [z - c - 14 + k for k in range(1, int(c) + 28)] + [z + 14]
    points = sorted(point for point in points if point <= z + 14)
    total = mp.quad(weight, points)
    mean = mp.quad(lambda mu: mu * weight(mu), points) / total
    return mean, mp.sqrt(mp.quad(lambda mu: (mu - mean) ** 2 * weight(mu), points) / total)


def sceptical(zo, zr, c):
    """Held's p by its definition: the level at which the sceptic's prior, sufficient for the original at that level, no longer
    stands against the replication."""
    def gap(z):
        # Sufficiently sceptical relative prior variance of the original at level z, then the prior-predictive test.
        prior = 1 / (zo ** 2 / z ** 2 - 1)
        return zr ** 2 / (c * prior + 1) - z ** 2
    low, high = mp.mpf(10) ** -12, min(abs(zo), abs(zr)) * (1 - mp.mpf(10) ** -14)
    for _ in range(160):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(middle) > 0 else (low, middle)
    return low


def replication():
    file = File("replication", "mpmath: conditional likelihood by quadrature, sceptical z by its definition; statsmodels", "relative 1e-10")
    with mp.workdps(30):
        z95 = -normal_quantile(0.025)
        corrected = {}
        for z, c in [(2.0, 1.959963984540054), (2.1, 1.959963984540054), (2.5, 1.959963984540054), (3.0, 1.959963984540054),
                     (4.4, 1.959963984540054), (7.0, 1.959963984540054), (-2.3, 1.959963984540054), (2.6, 2.5758293035489),
                     (3.3, 2.3939797998185104), (2.2, 1.6448536269514722), (1.7, 1.959963984540054), (0.4, 0.0), (5.5, 5.0)]:
            mean, sd = conditional_moments(abs(z), c)
            corrected[z, c] = (mean, sd)
            file.add("selection_corrected", {"estimate": z * 0.02, "se": 0.02, "selected_at": c},
                     {"estimate": mean * mp.mpf(0.02) * (1 if z > 0 else -1), "se": sd * mp.mpf(0.02)})
        c95 = 1.959963984540054
        bound = mp.findroot(lambda c: 4 * mp.nsum(lambda k: (-1) ** k * normal_sf((2 * k + 1) * c), [0, 40]) - mp.mpf("0.05"), 2.24)
        for (zo, so), (theta, sr) in [((2.1, 0.02), (0.02, 0.01)), ((3.0, 0.01), (0.026, 0.006)), ((4.4, 0.01), (0.008, 0.003)),
                                      ((4.4, 0.01), (0.0, 0.004)), ((3.0, 0.01), (0.2, 0.02)), ((2.1, 0.02), (-0.05, 0.01)),
                                      ((2.5, 0.02), (0.02, 0.02)), ((-2.3, 0.5), (-0.9, 0.2)), ((-2.3, 0.5), (0.8, 0.2)),
                                      ((7.0, 0.01), (0.068, 0.002)), ((7.0, 0.01), (0.035, 0.002)), ((7.0, 0.01), (0.02, 0.004))]:
            mean, sd = corrected[zo, c95]
            side = 1 if zo > 0 else -1
            theta_star, so_star = side * mean * mp.mpf(so), sd * mp.mpf(so)
            sr, theta = mp.mpf(sr), mp.mpf(theta)
            h = bound * (so_star ** 2 + sr ** 2) / so_star
            half = bound * (sr ** 2 + so_star ** 2 / 4) / (so_star / 2)
            low, high = theta - z95 * sr, theta + z95 * sr
            present = low > 0 if side > 0 else high < 0
            contradicted = high < 0 if side > 0 else low > 0
            gain = side * (theta - theta_star)
            retained = theta / theta_star
            if contradicted:
                label = "contradicted"
            elif present and abs(gain) <= h:
                label = "confirmed" if retained >= 0.5 else "compatible"
            elif present:
                label = "diminished" if gain < 0 else "exceeded"
            else:
                label = "lost" if gain < -h else "undecided"
            file.add("replication_label", {"theta_o": zo * so, "se_o": so, "theta_r": theta, "se_r": sr}, {
                "label": label, "corrected": theta_star, "corrected_se": so_star, "retained": retained, "within": h,
                "half_shown": bool(side * (theta - theta_star / 2) > half),
                "too_imprecise": bool(abs(theta_star) < bound * so_star),
                "noticeable_loss": h - normal_quantile(0.2) * mp.sqrt(so_star ** 2 + sr ** 2)})
        # What half of the original would cost, in units of its own sample.
        for z, share, power in [(2.1, 0.5, 0.8), (2.5, 0.5, 0.8), (3.0, 0.5, 0.8), (2.5, 1.0, 0.9), (7.0, 0.5, 0.8)]:
            mean, _ = corrected[z, c95]
            file.add("times_the_experiment", {"z": z, "share": share, "power": power, "alpha": 0.05},
                     {"times": ((z95 - normal_quantile(1 - power)) / (mp.mpf(share) * mean)) ** 2})
        for theta_o, se_o, theta_r, se_r in [(0.05, 0.02, 0.03, 0.01), (0.2, 0.05, 0.21, 0.08), (-0.4, 0.15, -0.2, 0.06),
                                             (0.03, 0.01, -0.005, 0.01), (1.2, 0.5, 0.4, 0.5)]:
            o, so, r, sr = (mp.mpf(value) for value in (theta_o, se_o, theta_r, se_r))
            zs = sceptical(o / so, r / sr, (so / sr) ** 2)
            q = (o - r) ** 2 / (so ** 2 + sr ** 2)
            spread = mp.sqrt(so ** 2 + sr ** 2)
            told = sm_meta.combine_effects(np.array([theta_o, theta_r]), np.array([se_o ** 2, se_r ** 2]), method_re="dl")
            d33 = mp.findroot(lambda d: normal_sf(z95 - d) + normal_sf(z95 + d) - mp.mpf(1) / 3, 1.5)
            file.add("replication_pair", {"theta_o": theta_o, "se_o": se_o, "theta_r": theta_r, "se_r": se_r}, {
                "Q": q, "p_Q": mp.erfc(mp.sqrt(q / 2)), "prediction_interval_95": [o - z95 * spread, o + z95 * spread],
                "relative_effect": r / o, "sceptical_z": zs,
                "sceptical_p_one_sided": normal_sf(zs) if o * r > 0 else 1 - normal_sf(zs),
                "small_telescopes_d33": d33 * so,
                "small_telescopes_p_smaller": normal_sf(-((1 if o > 0 else -1) * r - d33 * so) / sr),
                "fixed_effect": told.mean_effect_fe, "fixed_effect_se": told.sd_eff_w_fe})
        for yi, vi in [([0.1, 0.3, 0.35], [0.01, 0.02, 0.03]), ([0.5, 0.48, 0.1, 0.9], [0.002, 0.004, 0.003, 0.01])]:
            told = sm_meta.combine_effects(np.array(yi), np.array(vi), method_re="dl")
            q_p = st.chi2.sf(told.q, len(yi) - 1)
            file.add("meta_FE", {"yi": yi, "vi": vi}, {"b": told.mean_effect_fe, "se": told.sd_eff_w_fe, "QE": told.q, "QEp": q_p})
            file.add("meta_DL", {"yi": yi, "vi": vi}, {"b": told.mean_effect_re, "se": told.sd_eff_w_re, "QE": told.q, "QEp": q_p,
                                                       "tau2": told.tau2})
    file.write()


# Planning, several metrics, small counts.

def barnard(nc, xc, nt, xt):
    """The largest probability, over the common proportion, of the tables whose squared statistic is at least the one seen; the
    statistics are fractions."""
    def squared(c, t):
        pooled = Fraction(c + t, nc + nt)
        spread = pooled * (1 - pooled)
        return Fraction(0) if spread == 0 else (Fraction(t, nt) - Fraction(c, nc)) ** 2 / spread
    seen, ways = squared(xc, xt), {}
    for c in range(nc + 1):
        for t in range(nt + 1):
            if squared(c, t) >= seen:
                ways[c + t] = ways.get(c + t, 0) + math.comb(nc, c) * math.comb(nt, t)
    total = nc + nt
    chance = lambda p: sum(way * p ** k * (1 - p) ** (total - k) for k, way in ways.items())
    best = max((step / 4096 for step in range(1, 4096)), key=chance)
    found = minimize_scalar(lambda p: -chance(p), bounds=(best - 1 / 4096, best + 1 / 4096), method="bounded",
                            options={"xatol": 1e-12})
    return max(chance(best), -found.fun)


def planning():
    file = File("planning", "statsmodels and scipy", 1e-9)
    normal_power = sm_power.NormalIndPower()
    for effect, alpha, power, ratio, side in [(0.02, 0.05, 0.8, 1.0, "two-sided"), (0.1, 0.01, 0.9, 0.25, "two-sided"),
                                              (0.3, 0.05, 0.95, 4.0, "larger"), (0.05, 0.2, 0.5, 1.0, "two-sided")]:
        n1 = normal_power.solve_power(effect_size=effect, alpha=alpha, power=power, ratio=ratio, alternative=side)
        file.add("z_sample_size", {"std_effect": effect, "alpha": alpha, "power": power, "ratio_n2_over_n1": ratio,
                                   "alternative": side}, {"n1": n1}, 1e-6)
    for effect, n, alpha in [(0.5, 12, 0.05), (0.2, 400, 0.01), (1.5, 4, 0.1), (0.02, 60_000, 0.05)]:
        file.add("t_power_noncentral", {"std_effect": effect, "n_per_arm": n, "alpha": alpha}, {
            "power": sm_power.TTestIndPower().power(effect, n, alpha),
            "power_z": normal_power.power(effect, n, alpha)}, 1e-7)
    for p0, p1, alpha, power in [(0.12, 0.126, 0.05, 0.8), (0.5, 0.45, 0.01, 0.9), (0.003, 0.004, 0.05, 0.8)]:
        h = sm_prop.proportion_effectsize(p1, p0)
        arcsine = normal_power.solve_power(effect_size=abs(h), alpha=alpha, power=power)
        unpooled = ((st.norm.isf(alpha / 2) + st.norm.ppf(power)) / (p1 - p0)) ** 2 * (p0 * (1 - p0) + p1 * (1 - p1))
        file.add("prop_sample_size", {"p0": p0, "p1": p1, "alpha": alpha, "power": power},
                 {"cohen_h": h, "n_per_arm_arcsine": arcsine, "n_per_arm_unpooled": unpooled}, 1e-6)
    rng = random.Random(3)
    for size in [1, 3, 12]:
        p = [round(rng.random() ** 3, 6) for _ in range(size)]
        for method in ["bonferroni", "sidak", "holm", "holm-sidak", "simes-hochberg", "hommel", "fdr_bh", "fdr_by"]:
            reject, adjusted, _, _ = multitest.multipletests(p, 0.05, method)
            file.add("multiplicity", {"p": p, "alpha": 0.05, "method": method}, {"adjusted": adjusted, "reject": reject})
        log_e = [round(rng.uniform(-2, 9), 3) for _ in range(size)]
        # e-BH by its definition: the largest k whose k-th largest e-value is at least m/(k·α).
        ranked = sorted(log_e, reverse=True)
        found = [k for k in range(1, size + 1) if ranked[k - 1] >= math.log(size / (k * 0.1))]
        cut = ranked[max(found) - 1] if found else math.inf
        file.add("e_bh", {"log_e": log_e, "alpha": 0.1}, {"reject": [e >= cut for e in log_e]})
    # The second of these has tables as extreme as the one seen, which scipy misses where their statistics differ by a rounding.
    for nc, xc, nt, xt in [(12, 3, 15, 9), (5, 4, 6, 2), (40, 0, 38, 5), (25, 25, 30, 27), (9, 4, 9, 4)]:
        counts = {"n_control": nc, "x_control": xc, "n_treatment": nt, "x_treatment": xt}
        table = [[xt, xc], [nt - xt, nc - xc]]
        file.add("proportion_fisher", counts, {"pvalue": st.fisher_exact(table).pvalue})
        file.add("proportion_barnard", counts, {"pvalue": barnard(nc, xc, nt, xt)}, 1e-7)
        file.add("proportion_boschloo", counts, {"pvalue": st.boschloo_exact(table, n=512).pvalue}, 1e-4)
    # A schedule, walked day by day.
    for units, daily, share, waves in [(60_000, 4000, 0.5, [5, 20, 50]), (3000, 1000, 0.5, [5, 20, 50]), (500_000, 7000, 0.8, [10, 40, 80])]:
        day, admitted, stages = 0, 0.0, []
        for index, percent in enumerate(waves):
            first, last = day + 1, index + 1 == len(waves)
            coverage = percent / 100 / share
            while True:
                day += 1
                admitted += daily * coverage
                full = admitted >= units - 1e-6 and day >= 7
                if full or (not last and day - first + 1 == 7):
                    break
            stages.append([first, day, admitted / units])
            if full:
                break
        file.add("schedule", {"units": units, "daily_units": daily, "treatment_share": share, "waves": waves},
                 {"stages": stages, "verdict_by_day": day})
    # The chance to win and the expected losses, by integrating the posterior.
    for value, se, prior in [(0.01, 0.004, None), (-0.3, 0.5, (0.1, 0.09))]:
        if prior:
            precision = 1 / se ** 2 + 1 / prior[1]
            mean, sd = (value / se ** 2 + prior[0] / prior[1]) / precision, precision ** -0.5
        else:
            mean, sd = value, se
        grid = np.linspace(mean - 12 * sd, mean + 12 * sd, 400_001)
        with mp.workdps(25):
            loss = lambda a, b: mp.quad(lambda u: abs(u) * mp.npdf(u, mean, sd), [a, b])
            kept, dropped = loss(mean - 12 * sd, 0), loss(0, mean + 12 * sd)
        given = {"value": value, "se": se} | ({"prior_mean": prior[0], "prior_variance": prior[1]} if prior else {})
        file.add("posterior", given, {"mean": mean, "sd": sd, "chance": st.norm.sf(-mean / sd), "loss_if_kept": kept,
                                      "loss_if_dropped": dropped}, 1e-8)
    file.write()


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for part in sys.argv[1:] or ["distributions", "estimates", "anytime", "group_sequential", "replication", "planning"]:
        globals()[part]()

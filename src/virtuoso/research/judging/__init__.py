"""How good forecasts, weights and labels were: skill, calibration, coverage, money, each with an interval.

Everything is measured against what could have been said without a forecast, over blocks of whole days in which all
symbols stay together, because neighbouring minutes and symbols of one market are not independent.
"""

"""Analysis: from closed bars and cut book features to scores, labels and regimes; pure."""

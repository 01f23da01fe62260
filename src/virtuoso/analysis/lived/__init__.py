"""What was said while it was lived: kept until it is due, settled by the bars that followed, summed, and judged."""

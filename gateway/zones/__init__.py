"""Where shoppers are: store plan, place model, tracker, calibration, visits. Pure: readings and ticks in, moves out."""

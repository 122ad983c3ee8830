"""Where pictures come from: cameras of cities, and the form in which their pictures travel."""

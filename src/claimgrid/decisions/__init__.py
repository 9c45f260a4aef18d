"""A way to extract that suits small models: code lists candidates, the model decides on each."""

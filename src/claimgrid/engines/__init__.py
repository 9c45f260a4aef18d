"""A whole run: settings made concrete, the model that answers, papers under way, the summary."""

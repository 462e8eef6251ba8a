"""ParaCLIP's experiment from records to a measured run."""

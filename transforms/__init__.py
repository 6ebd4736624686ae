"""What happens to the data on its way from a CRM to Quo."""

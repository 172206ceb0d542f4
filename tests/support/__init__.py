"""What tests share: virtual time, seeded chance, small builders."""

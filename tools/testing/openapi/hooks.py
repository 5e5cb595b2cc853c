"""What requests of the description's trial leave out."""
import schemathesis

/// The keys of a node that only containers have.
struct ContainerDraft {
  /// As the engine takes it: `localhost/web`, `docker.io/library/nginx:1.25`.
  var image: Located<String>?
  var engine: Located<ContainerDefinition.Engine>?
  var attach: Located<String>?
  var command: Located<[String]>?
  var env: Located<[String: String]>?
  var restart: Located<ContainerDefinition.Restart>?
}

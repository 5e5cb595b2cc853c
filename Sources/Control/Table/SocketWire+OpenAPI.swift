extension SocketWire {
  /// What has names in it.
  var shapes: [Shape] { [client, server] }

  /// As a member of an operation: OpenAPI 3.1 has no words of its own for WebSockets.
  var description: JSONValue {
    ["description": .text(text), "client": client.schema, "server": server.schema]
  }

  /// The answer to a request to upgrade.
  static var accepted: JSONValue {
    [
      "description":
        "The connection is a WebSocket now (RFC 6455, version 13, no extensions). What goes over it: `x-websocket`.",
      "headers": [
        "Upgrade": header("It is a WebSocket.", ["const": "websocket"]),
        "Connection": header("It is no HTTP any more.", ["const": "upgrade"]),
        "Sec-WebSocket-Accept": header("Made of the request's key, as RFC 6455 says.", ["type": "string"]),
      ],
    ]
  }

  /// The answer to a request that asks for no upgrade, where there is nothing else.
  static var required: JSONValue {
    [
      "description": "The request must ask for an upgrade.",
      "content": ["application/json": ["schema": ErrorAnswer.shape.schema]],
    ]
  }

  private static func header(_ text: String, _ schema: JSONValue) -> JSONValue {
    ["description": .text(text), "required": true, "schema": schema]
  }
}

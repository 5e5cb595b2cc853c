/// Joins the modules of xterm.js, written for Node.js, to one script that a browser takes: `Terminal` becomes a global.
enum XtermBundle {
  /// What the names of its modules begin with among the page's files.
  static let folder = "xterm/"

  /// Resolves `require` among the modules as Node.js does; there are relative paths only.
  private static let head = """
    // xterm.js, Copyright (c) 2014-2018 The xterm.js authors, 2012-2013 Christopher Jeffrey; MIT licence.
    (function () {
    "use strict";
    var modules = {}, loaded = {};
    function load(name) {
      if (loaded[name]) return loaded[name].exports;
      var module = loaded[name] = { exports: {} };
      modules[name].call(window, module.exports, function (path) {
        var parts = name.split("/").slice(0, -1);
        path.split("/").forEach(function (part) {
          if (part === "..") parts.pop(); else if (part !== ".") parts.push(part);
        });
        return load(parts.join("/"));
      }, module);
      return module.exports;
    }

    """
  private static let tail = """

    window.Terminal = load("public/Terminal").Terminal;
    })();

    """

  static func join(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var script = Array(head.utf8)
    for file in files where file.name.hasPrefix(folder) {
      let name = file.name.dropFirst(folder.count).replacing(".js", with: "")
      script += Array("modules[\"\(name)\"] = function (exports, require, module) {\n".utf8)
      script += file.bytes
      script += Array("\n};\n".utf8)
    }
    return script + Array(tail.utf8)
  }
}

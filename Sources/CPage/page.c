// The files of the live page, in the program itself: #embed of C23, which Swift's clang knows.
//
// xterm.js is Debian's, package node-xterm (MIT): its modules are embedded one by one, Control joins them to one file.
// (libjs-xterm 3.8.1+~cs0.9.0-1+deb12u1 ought to have that file; what it has is a stub of 288 bytes without the terminal.)
#include "CPage.h"

#include <zlib.h>

#if !__has_embed("/usr/share/nodejs/xterm/lib/public/Terminal.js")
#error "xterm.js is missing: install Debian's package node-xterm (tools/setup does: sudo apt-get install node-xterm)"
#endif
#if !__has_embed("/usr/share/javascript/xterm/xterm.css")
#error "xterm.css is missing: install Debian's package libjs-xterm (tools/setup does: sudo apt-get install libjs-xterm)"
#endif

// Every array ends with a zero that does not count: an embedded file may be empty.
#define PAGE_FILE(name, array) {name, array, sizeof array - 1}

static const unsigned char index_html[] = {
#embed "assets/index.html" suffix(,)
  0};
static const unsigned char page_css[] = {
#embed "assets/page.css" suffix(,)
  0};
static const unsigned char api_js[] = {
#embed "assets/api.js" suffix(,)
  0};
static const unsigned char dom_js[] = {
#embed "assets/dom.js" suffix(,)
  0};
static const unsigned char drawer_js[] = {
#embed "assets/drawer.js" suffix(,)
  0};
static const unsigned char faults_js[] = {
#embed "assets/faults.js" suffix(,)
  0};
static const unsigned char fragment_js[] = {
#embed "assets/fragment.js" suffix(,)
  0};
static const unsigned char lines_js[] = {
#embed "assets/lines.js" suffix(,)
  0};
static const unsigned char main_js[] = {
#embed "assets/main.js" suffix(,)
  0};
static const unsigned char map_js[] = {
#embed "assets/map.js" suffix(,)
  0};
static const unsigned char menu_js[] = {
#embed "assets/menu.js" suffix(,)
  0};
static const unsigned char panel_js[] = {
#embed "assets/panel.js" suffix(,)
  0};
static const unsigned char search_js[] = {
#embed "assets/search.js" suffix(,)
  0};
static const unsigned char store_js[] = {
#embed "assets/store.js" suffix(,)
  0};
static const unsigned char tables_js[] = {
#embed "assets/tables.js" suffix(,)
  0};
static const unsigned char theme_js[] = {
#embed "assets/theme.js" suffix(,)
  0};
static const unsigned char words_js[] = {
#embed "assets/words.js" suffix(,)
  0};
static const unsigned char console_js[] = {
#embed "assets/console.js" suffix(,)
  0};
static const unsigned char frames_js[] = {
#embed "assets/frames.js" suffix(,)
  0};
static const unsigned char events_js[] = {
#embed "assets/events.js" suffix(,)
  0};

static const unsigned char xterm_css[] = {
#embed "/usr/share/javascript/xterm/xterm.css" suffix(,)
  0};
static const unsigned char xterm_AccessibilityManager_js[] = {
#embed "/usr/share/nodejs/xterm/lib/AccessibilityManager.js" suffix(,)
  0};
static const unsigned char xterm_Buffer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/Buffer.js" suffix(,)
  0};
static const unsigned char xterm_BufferLine_js[] = {
#embed "/usr/share/nodejs/xterm/lib/BufferLine.js" suffix(,)
  0};
static const unsigned char xterm_BufferSet_js[] = {
#embed "/usr/share/nodejs/xterm/lib/BufferSet.js" suffix(,)
  0};
static const unsigned char xterm_CharWidth_js[] = {
#embed "/usr/share/nodejs/xterm/lib/CharWidth.js" suffix(,)
  0};
static const unsigned char xterm_CompositionHelper_js[] = {
#embed "/usr/share/nodejs/xterm/lib/CompositionHelper.js" suffix(,)
  0};
static const unsigned char xterm_EscapeSequenceParser_js[] = {
#embed "/usr/share/nodejs/xterm/lib/EscapeSequenceParser.js" suffix(,)
  0};
static const unsigned char xterm_InputHandler_js[] = {
#embed "/usr/share/nodejs/xterm/lib/InputHandler.js" suffix(,)
  0};
static const unsigned char xterm_Linkifier_js[] = {
#embed "/usr/share/nodejs/xterm/lib/Linkifier.js" suffix(,)
  0};
static const unsigned char xterm_SelectionManager_js[] = {
#embed "/usr/share/nodejs/xterm/lib/SelectionManager.js" suffix(,)
  0};
static const unsigned char xterm_SelectionModel_js[] = {
#embed "/usr/share/nodejs/xterm/lib/SelectionModel.js" suffix(,)
  0};
static const unsigned char xterm_SoundManager_js[] = {
#embed "/usr/share/nodejs/xterm/lib/SoundManager.js" suffix(,)
  0};
static const unsigned char xterm_Strings_js[] = {
#embed "/usr/share/nodejs/xterm/lib/Strings.js" suffix(,)
  0};
static const unsigned char xterm_Terminal_js[] = {
#embed "/usr/share/nodejs/xterm/lib/Terminal.js" suffix(,)
  0};
static const unsigned char xterm_Viewport_js[] = {
#embed "/usr/share/nodejs/xterm/lib/Viewport.js" suffix(,)
  0};
static const unsigned char xterm_common_CircularList_js[] = {
#embed "/usr/share/nodejs/xterm/lib/common/CircularList.js" suffix(,)
  0};
static const unsigned char xterm_common_EventEmitter_js[] = {
#embed "/usr/share/nodejs/xterm/lib/common/EventEmitter.js" suffix(,)
  0};
static const unsigned char xterm_common_Lifecycle_js[] = {
#embed "/usr/share/nodejs/xterm/lib/common/Lifecycle.js" suffix(,)
  0};
static const unsigned char xterm_common_data_EscapeSequences_js[] = {
#embed "/usr/share/nodejs/xterm/lib/common/data/EscapeSequences.js" suffix(,)
  0};
static const unsigned char xterm_core_data_Charsets_js[] = {
#embed "/usr/share/nodejs/xterm/lib/core/data/Charsets.js" suffix(,)
  0};
static const unsigned char xterm_core_input_Keyboard_js[] = {
#embed "/usr/share/nodejs/xterm/lib/core/input/Keyboard.js" suffix(,)
  0};
static const unsigned char xterm_handlers_AltClickHandler_js[] = {
#embed "/usr/share/nodejs/xterm/lib/handlers/AltClickHandler.js" suffix(,)
  0};
static const unsigned char xterm_handlers_Clipboard_js[] = {
#embed "/usr/share/nodejs/xterm/lib/handlers/Clipboard.js" suffix(,)
  0};
static const unsigned char xterm_public_Terminal_js[] = {
#embed "/usr/share/nodejs/xterm/lib/public/Terminal.js" suffix(,)
  0};
static const unsigned char xterm_renderer_BaseRenderLayer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/BaseRenderLayer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_CharacterJoinerRegistry_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/CharacterJoinerRegistry.js" suffix(,)
  0};
static const unsigned char xterm_renderer_ColorManager_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/ColorManager.js" suffix(,)
  0};
static const unsigned char xterm_renderer_CursorRenderLayer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/CursorRenderLayer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_GridCache_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/GridCache.js" suffix(,)
  0};
static const unsigned char xterm_renderer_LinkRenderLayer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/LinkRenderLayer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_Renderer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/Renderer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_SelectionRenderLayer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/SelectionRenderLayer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_TextRenderLayer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/TextRenderLayer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_BaseCharAtlas_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/BaseCharAtlas.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_CharAtlasCache_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/CharAtlasCache.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_CharAtlasUtils_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/CharAtlasUtils.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_DynamicCharAtlas_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/DynamicCharAtlas.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_LRUMap_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/LRUMap.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_NoneCharAtlas_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/NoneCharAtlas.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_StaticCharAtlas_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/StaticCharAtlas.js" suffix(,)
  0};
static const unsigned char xterm_renderer_atlas_Types_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/atlas/Types.js" suffix(,)
  0};
static const unsigned char xterm_renderer_dom_DomRenderer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/dom/DomRenderer.js" suffix(,)
  0};
static const unsigned char xterm_renderer_dom_DomRendererRowFactory_js[] = {
#embed "/usr/share/nodejs/xterm/lib/renderer/dom/DomRendererRowFactory.js" suffix(,)
  0};
static const unsigned char xterm_shared_atlas_CharAtlasGenerator_js[] = {
#embed "/usr/share/nodejs/xterm/lib/shared/atlas/CharAtlasGenerator.js" suffix(,)
  0};
static const unsigned char xterm_shared_atlas_Types_js[] = {
#embed "/usr/share/nodejs/xterm/lib/shared/atlas/Types.js" suffix(,)
  0};
static const unsigned char xterm_shared_utils_Browser_js[] = {
#embed "/usr/share/nodejs/xterm/lib/shared/utils/Browser.js" suffix(,)
  0};
static const unsigned char xterm_ui_CharMeasure_js[] = {
#embed "/usr/share/nodejs/xterm/lib/ui/CharMeasure.js" suffix(,)
  0};
static const unsigned char xterm_ui_Lifecycle_js[] = {
#embed "/usr/share/nodejs/xterm/lib/ui/Lifecycle.js" suffix(,)
  0};
static const unsigned char xterm_ui_MouseZoneManager_js[] = {
#embed "/usr/share/nodejs/xterm/lib/ui/MouseZoneManager.js" suffix(,)
  0};
static const unsigned char xterm_ui_RenderDebouncer_js[] = {
#embed "/usr/share/nodejs/xterm/lib/ui/RenderDebouncer.js" suffix(,)
  0};
static const unsigned char xterm_ui_ScreenDprMonitor_js[] = {
#embed "/usr/share/nodejs/xterm/lib/ui/ScreenDprMonitor.js" suffix(,)
  0};
static const unsigned char xterm_utils_Clone_js[] = {
#embed "/usr/share/nodejs/xterm/lib/utils/Clone.js" suffix(,)
  0};
static const unsigned char xterm_utils_MouseHelper_js[] = {
#embed "/usr/share/nodejs/xterm/lib/utils/MouseHelper.js" suffix(,)
  0};

static const struct page_file all_files[] = {
  PAGE_FILE("index.html", index_html),
  PAGE_FILE("page.css", page_css),
  PAGE_FILE("api.js", api_js),
  PAGE_FILE("dom.js", dom_js),
  PAGE_FILE("drawer.js", drawer_js),
  PAGE_FILE("faults.js", faults_js),
  PAGE_FILE("fragment.js", fragment_js),
  PAGE_FILE("lines.js", lines_js),
  PAGE_FILE("main.js", main_js),
  PAGE_FILE("map.js", map_js),
  PAGE_FILE("menu.js", menu_js),
  PAGE_FILE("panel.js", panel_js),
  PAGE_FILE("search.js", search_js),
  PAGE_FILE("store.js", store_js),
  PAGE_FILE("tables.js", tables_js),
  PAGE_FILE("theme.js", theme_js),
  PAGE_FILE("words.js", words_js),
  PAGE_FILE("console.js", console_js),
  PAGE_FILE("frames.js", frames_js),
  PAGE_FILE("events.js", events_js),
  PAGE_FILE("xterm.css", xterm_css),
  PAGE_FILE("xterm/AccessibilityManager.js", xterm_AccessibilityManager_js),
  PAGE_FILE("xterm/Buffer.js", xterm_Buffer_js),
  PAGE_FILE("xterm/BufferLine.js", xterm_BufferLine_js),
  PAGE_FILE("xterm/BufferSet.js", xterm_BufferSet_js),
  PAGE_FILE("xterm/CharWidth.js", xterm_CharWidth_js),
  PAGE_FILE("xterm/CompositionHelper.js", xterm_CompositionHelper_js),
  PAGE_FILE("xterm/EscapeSequenceParser.js", xterm_EscapeSequenceParser_js),
  PAGE_FILE("xterm/InputHandler.js", xterm_InputHandler_js),
  PAGE_FILE("xterm/Linkifier.js", xterm_Linkifier_js),
  PAGE_FILE("xterm/SelectionManager.js", xterm_SelectionManager_js),
  PAGE_FILE("xterm/SelectionModel.js", xterm_SelectionModel_js),
  PAGE_FILE("xterm/SoundManager.js", xterm_SoundManager_js),
  PAGE_FILE("xterm/Strings.js", xterm_Strings_js),
  PAGE_FILE("xterm/Terminal.js", xterm_Terminal_js),
  PAGE_FILE("xterm/Viewport.js", xterm_Viewport_js),
  PAGE_FILE("xterm/common/CircularList.js", xterm_common_CircularList_js),
  PAGE_FILE("xterm/common/EventEmitter.js", xterm_common_EventEmitter_js),
  PAGE_FILE("xterm/common/Lifecycle.js", xterm_common_Lifecycle_js),
  PAGE_FILE("xterm/common/data/EscapeSequences.js", xterm_common_data_EscapeSequences_js),
  PAGE_FILE("xterm/core/data/Charsets.js", xterm_core_data_Charsets_js),
  PAGE_FILE("xterm/core/input/Keyboard.js", xterm_core_input_Keyboard_js),
  PAGE_FILE("xterm/handlers/AltClickHandler.js", xterm_handlers_AltClickHandler_js),
  PAGE_FILE("xterm/handlers/Clipboard.js", xterm_handlers_Clipboard_js),
  PAGE_FILE("xterm/public/Terminal.js", xterm_public_Terminal_js),
  PAGE_FILE("xterm/renderer/BaseRenderLayer.js", xterm_renderer_BaseRenderLayer_js),
  PAGE_FILE("xterm/renderer/CharacterJoinerRegistry.js", xterm_renderer_CharacterJoinerRegistry_js),
  PAGE_FILE("xterm/renderer/ColorManager.js", xterm_renderer_ColorManager_js),
  PAGE_FILE("xterm/renderer/CursorRenderLayer.js", xterm_renderer_CursorRenderLayer_js),
  PAGE_FILE("xterm/renderer/GridCache.js", xterm_renderer_GridCache_js),
  PAGE_FILE("xterm/renderer/LinkRenderLayer.js", xterm_renderer_LinkRenderLayer_js),
  PAGE_FILE("xterm/renderer/Renderer.js", xterm_renderer_Renderer_js),
  PAGE_FILE("xterm/renderer/SelectionRenderLayer.js", xterm_renderer_SelectionRenderLayer_js),
  PAGE_FILE("xterm/renderer/TextRenderLayer.js", xterm_renderer_TextRenderLayer_js),
  PAGE_FILE("xterm/renderer/atlas/BaseCharAtlas.js", xterm_renderer_atlas_BaseCharAtlas_js),
  PAGE_FILE("xterm/renderer/atlas/CharAtlasCache.js", xterm_renderer_atlas_CharAtlasCache_js),
  PAGE_FILE("xterm/renderer/atlas/CharAtlasUtils.js", xterm_renderer_atlas_CharAtlasUtils_js),
  PAGE_FILE("xterm/renderer/atlas/DynamicCharAtlas.js", xterm_renderer_atlas_DynamicCharAtlas_js),
  PAGE_FILE("xterm/renderer/atlas/LRUMap.js", xterm_renderer_atlas_LRUMap_js),
  PAGE_FILE("xterm/renderer/atlas/NoneCharAtlas.js", xterm_renderer_atlas_NoneCharAtlas_js),
  PAGE_FILE("xterm/renderer/atlas/StaticCharAtlas.js", xterm_renderer_atlas_StaticCharAtlas_js),
  PAGE_FILE("xterm/renderer/atlas/Types.js", xterm_renderer_atlas_Types_js),
  PAGE_FILE("xterm/renderer/dom/DomRenderer.js", xterm_renderer_dom_DomRenderer_js),
  PAGE_FILE("xterm/renderer/dom/DomRendererRowFactory.js", xterm_renderer_dom_DomRendererRowFactory_js),
  PAGE_FILE("xterm/shared/atlas/CharAtlasGenerator.js", xterm_shared_atlas_CharAtlasGenerator_js),
  PAGE_FILE("xterm/shared/atlas/Types.js", xterm_shared_atlas_Types_js),
  PAGE_FILE("xterm/shared/utils/Browser.js", xterm_shared_utils_Browser_js),
  PAGE_FILE("xterm/ui/CharMeasure.js", xterm_ui_CharMeasure_js),
  PAGE_FILE("xterm/ui/Lifecycle.js", xterm_ui_Lifecycle_js),
  PAGE_FILE("xterm/ui/MouseZoneManager.js", xterm_ui_MouseZoneManager_js),
  PAGE_FILE("xterm/ui/RenderDebouncer.js", xterm_ui_RenderDebouncer_js),
  PAGE_FILE("xterm/ui/ScreenDprMonitor.js", xterm_ui_ScreenDprMonitor_js),
  PAGE_FILE("xterm/utils/Clone.js", xterm_utils_Clone_js),
  PAGE_FILE("xterm/utils/MouseHelper.js", xterm_utils_MouseHelper_js),
};

const struct page_file *page_files(size_t *count) {
  *count = sizeof all_files / sizeof *all_files;
  return all_files;
}

size_t page_gzip(const unsigned char *bytes, size_t size, unsigned char *out, size_t room) {
  z_stream stream = {0};
  // 16 more than the largest window: with gzip's head and tail.
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  stream.next_in = (unsigned char *)bytes;
  stream.avail_in = (unsigned)size;
  stream.next_out = out;
  stream.avail_out = (unsigned)room;
  const int result = deflate(&stream, Z_FINISH);
  const size_t written = stream.total_out;
  deflateEnd(&stream);
  return result == Z_STREAM_END ? written : 0;
}

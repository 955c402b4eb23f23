using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using AsArm.Assd.Tests.Support;

namespace AsArm.Hostile;

/// <summary>Small folders of several kinds, as a base for damage: of formats 1 and 3, with embedded and external weights, integer weights, tokenizers of both kinds and n-grams.</summary>
internal static class BaseFolders
{
    private const int Vocabulary = 64; // of models/tiny and format-1
    private const int WithText = 3, WithByteLevel = 4; // of s_sources

    private const string Drafting = """
        {"acceptance": {"ngram": {"none": [0, 0.1, 0.2, 0.3, 0.1], "left": [0.4, 0.5, 0.6, 0.7, 0.5], "right": [0, 0, 0, 0, 0], "both": [1, 1, 1, 1, 1]}, "own_bigrams": [0.1, 0.1, 0.1, 0.1, 0.1]},
         "corpus_weight": 10, "forward_pass_overhead": {"cpu": {"alone": 15, "batch": 2}}}
        """;

    private static readonly string s_root = Path.GetFullPath(Path.Combine(ThisFolder(), "..", ".."));
    private static readonly string[] s_sources = ["tests/golden/micro/onnx", "models/tiny", "tests/golden/precision/int4", "tests/golden/format-1", "tests/golden/text"];

    /// <summary>Number of base folders.</summary>
    public static int Count => s_sources.Length;

    /// <summary>Writes a base folder into an empty folder.</summary>
    public static void Write(int index, string folder)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(s_root, s_sources[index])))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        if (index == WithText)
        {
            File.Copy(Path.Combine(s_root, "tests/golden/tokenizer/odd.model"), Path.Combine(folder, "spiece.model"));
            File.WriteAllBytes(Path.Combine(folder, "ngrams.bin"), NgramBytes.Random(Vocabulary, 3, 0.2, 1));
            JsonObject manifest = Manifest.Read(folder);
            (manifest["files"]!["spiece.model"], manifest["files"]!["ngrams.bin"]) = (new JsonObject(), new JsonObject());
            manifest["drafting"] = JsonNode.Parse(Drafting);
            Manifest.Write(folder, manifest);
        }

        if (index == WithByteLevel)
            ReplaceTokenizer(folder);
        Manifest.Refresh(folder);
    }

    private static void ReplaceTokenizer(string folder)
    {
        JsonObject manifest = Manifest.Read(folder);
        File.Delete(Path.Combine(folder, "spiece.model"));
        manifest["files"]!.AsObject().Remove("spiece.model");
        manifest["tokenizer"] = "byte-level-bpe";
        foreach (string name in new[] { "vocab.json", "merges.txt" })
        {
            File.Copy(Path.Combine(s_root, "tests/golden/tokenizer/byte_level", name), Path.Combine(folder, name));
            manifest["files"]![name] = new JsonObject();
        }

        Manifest.Write(folder, manifest);
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

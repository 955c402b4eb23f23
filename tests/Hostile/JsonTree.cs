using System.Text;
using System.Text.Json.Nodes;

namespace AsArm.Hostile;

/// <summary>Damages JSON: changes, removes or renames one value at random.</summary>
internal static class JsonTree
{
    private static readonly Func<JsonNode?>[] s_values =
    [
        () => null, () => "", () => "x", () => new string('9', 100_000), () => -1, () => 0, () => 1, () => 2, () => 7, () => 255, () => 100_000, () => 50_000_000, () => int.MaxValue, () => 1L << 31,
        () => long.MaxValue, () => 0.5, () => 1e308, () => true, () => new JsonArray(), () => new JsonObject(), () => "float16", () => "int4", () => new JsonArray(-1, -1), () => "../../x", () => "\u0000",
        Deep,
    ];

    public static byte[] Change(byte[] json, Random random)
    {
        JsonNode root = JsonNode.Parse(json) ?? new JsonObject();
        var places = new List<(JsonNode Parent, string Key, int Index)>();
        Collect(root, places);
        JsonNode? value = s_values[random.Next(s_values.Length)]();
        if (places.Count == 0 || random.Next(50) == 0)
            return Encoding.UTF8.GetBytes(value?.ToJsonString() ?? "null");
        (JsonNode parent, string key, int index) = places[random.Next(places.Count)];
        if (parent is JsonArray array)
            array[index] = value;
        else if (random.Next(6) == 0)
            parent.AsObject().Remove(key);
        else if (random.Next(12) == 0)
            parent[key + "x"] = value;
        else
            parent[key] = value;
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static void Collect(JsonNode? node, List<(JsonNode Parent, string Key, int Index)> places)
    {
        if (node is JsonObject members)
        {
            foreach ((string key, JsonNode? child) in members)
            {
                places.Add((node, key, 0));
                Collect(child, places);
            }
        }
        else if (node is JsonArray array)
        {
            for (int i = 0; i < array.Count; i++)
            {
                places.Add((node, "", i));
                Collect(array[i], places);
            }
        }
    }

    private static JsonArray Deep()
    {
        var deep = new JsonArray();
        for (int i = 0; i < 50; i++)
            deep = new JsonArray(deep);
        return deep;
    }
}

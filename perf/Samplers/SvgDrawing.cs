using System.Xml.Linq;
using SkiaSharp;

namespace AsArm.Perf.Samplers;

/// <summary>A drawing as SVG, on white whatever is around it, in a font that the reader's machine has.</summary>
internal static class SvgDrawing
{
    private const string Fonts = "DejaVu Sans, Verdana, sans-serif"; // nearly of the same widths

    /// <summary>Renders some plots.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="render">Draws on the canvas.</param>
    public static string Render(int width, int height, Action<SKCanvas> render)
    {
        using var stream = new MemoryStream();
        using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, width, height), stream))
        {
            canvas.Clear(SKColors.White);
            render(canvas);
        }

        stream.Position = 0;
        var drawing = XDocument.Load(stream);
        XElement[] elements = [.. drawing.Descendants()];
        foreach (XElement element in elements)
        {
            if (element.Name.LocalName == "rect" && element.Parent == drawing.Root && element.Attribute("fill") is null)
                element.Remove(); // where a plot clears the canvas; it would be black
            else if (element.Name.LocalName == "text")
                SetText(element);
        }

        return drawing.ToString() + "\n";
    }

    /// <summary>Leaves the places of single letters to the reader's font: Skia writes those of this machine's.</summary>
    private static void SetText(XElement text)
    {
        text.SetAttributeValue("font-family", Fonts);
        text.Value = text.Value.Trim();
        foreach (string name in (string[])["x", "y"])
            text.SetAttributeValue(name, text.Attribute(name)?.Value.Split(',')[0]);
    }
}

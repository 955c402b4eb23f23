using AsArm.Benchmarks.Samplers;
using AsArm.Benchmarks.Statistics;
using AsArm.Benchmarks.Tables;
using AsArm.Benchmarks.Texts;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace AsArm.Perf.Samplers;

/// <summary>The chart of the exact samplers, of the first table: two panels of grouped bars with their 95 % intervals.</summary>
internal static class SamplersChart
{
    private const int Width = 1040, Height = 600; // pixels
    private const string Font = "DejaVu Sans"; // where it is missing ScottPlot takes another one
    private const double BarSize = 0.18; // of a group, which is 1
    private static readonly Color[] s_colours = [Color.FromHex("#0072b2"), Color.FromHex("#e69f00"), Color.FromHex("#009e73"), Color.FromHex("#8c8c8c")]; // told apart by the colour-blind too

    /// <summary>As SVG, black on white whatever is around it.</summary>
    public static string Draw(SamplersResults results)
    {
        SamplerTable table = results.Tables[0];
        using Plot left = CreatePanel(table, "tokens per forward pass, relative to assd", row => row.TokensPerForwardPassOverAssd);
        using Plot right = CreatePanel(table, "speed relative to sequential", row => row.SpeedOverSequential);
        left.Title($"{results.Model}, T = {table.Temperature}, {(table.Batch == 1 ? "one text at a time" : $"batches of {table.Batch}")}", 14);
        right.Title("bars with 95 % confidence intervals", 14);
        left.Axes.Left.TickGenerator = new NumericManual([.. TextKinds.All.Select(kind => new Tick(-(int)kind, TextKinds.NameOf(kind)))]);
        right.Axes.Left.TickGenerator = new NumericManual();
        left.HideLegend();
        right.ShowLegend(Edge.Right);
        foreach (Plot plot in (Plot[])[left, right])
            plot.RenderInMemory(Width / 2, Height); // finds the layout, which would be drawn once more else
        return SvgDrawing.Render(Width, Height, canvas =>
        {
            left.Render(canvas, new PixelRect(0, Width / 2, Height, 0));
            right.Render(canvas, new PixelRect(Width / 2, Width, Height, 0));
        });
    }

    private static Plot CreatePanel(SamplerTable table, string axis, Func<SamplerRow, Estimate?> ratio)
    {
        var plot = new Plot();
        plot.Font.Set(Font);
        IReadOnlyList<SamplerVariant> samplers = SamplerVariant.Exact;
        var labels = new List<(string Text, double Position)>();
        double most = 0;
        for (int i = 0; i < samplers.Count; i++)
        {
            var bars = new List<Bar>();
            foreach (TextKind kind in TextKinds.All)
            {
                if (ratio(table[kind, samplers[i].Kind]) is not { } value)
                    continue;
                double position = -(int)kind + ((samplers.Count - 1) / 2.0 - i) * (BarSize + 0.02), end = value.Value + (value.HalfInterval ?? 0);
                bars.Add(new Bar { Position = position, Value = value.Value, Error = value.HalfInterval ?? 0, Size = BarSize, LineWidth = 1 });
                labels.Add((value.ToString(), position));
                most = Math.Max(most, end);
            }

            var series = plot.Add.Bars(bars);
            series.Horizontal = true;
            series.Color = s_colours[i];
            series.LegendText = SamplersReport.NameOf(samplers[i].Kind);
        }

        plot.Add.VerticalLine(1, 1, Colors.Black, LinePattern.Dotted);
        plot.XLabel(axis, 14);
        plot.HideGrid();
        double right = 1.35 * most; // with room for the labels
        foreach ((string value, double position) in labels)
        {
            ScottPlot.Plottables.Text label = plot.Add.Text(value, right, position);
            label.LabelFontName = Font;
            label.LabelFontSize = 11;
            label.LabelAlignment = Alignment.MiddleRight;
            label.OffsetX = -6;
        }

        plot.Axes.SetLimits(0, right, -TextKinds.All.Count + 0.5, 0.5);
        return plot;
    }
}

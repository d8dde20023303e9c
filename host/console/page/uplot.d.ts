/** The plotting library, which the host serves from its package. */
import uPlot from 'uplot';

export default uPlot;
